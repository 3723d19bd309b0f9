# First fit of a process, libraries included.
start <- proc.time()[["elapsed"]]
suppressPackageStartupMessages(library(lme4))
invisible(lmer(Reaction ~ Days + (Days | Subject), sleepstudy))
cat(sprintf('\n{"seconds": %f}\n', proc.time()[["elapsed"]] - start))
