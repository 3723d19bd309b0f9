# cbpp by adaptive quadrature with 25 points, in a process that has fitted before.
suppressPackageStartupMessages(library(lme4))
work <- function() glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, nAGQ = 25)
work()
seconds <- min(replicate(10, system.time(work())[["elapsed"]]))
cat(sprintf('\n{"seconds": %f}\n', seconds))
