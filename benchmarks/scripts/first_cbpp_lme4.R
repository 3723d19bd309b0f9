# First fit of a process, cbpp by Laplace's method, libraries included.
start <- proc.time()[["elapsed"]]
suppressPackageStartupMessages(library(lme4))
invisible(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial))
cat(sprintf('\n{"seconds": %f}\n', proc.time()[["elapsed"]] - start))
