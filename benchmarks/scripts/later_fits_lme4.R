# Fits of sleepstudy in a process that has fitted before.
suppressPackageStartupMessages(library(lme4))
work <- function() lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
work()
seconds <- min(replicate(30, system.time(work())[["elapsed"]]))
cat(sprintf('\n{"seconds": %f}\n', seconds))
