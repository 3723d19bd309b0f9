# VerbAgg, persons and items crossed, logit, by Laplace's method.
suppressPackageStartupMessages(library(lme4))
work <- function() glmer(r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item), VerbAgg, binomial)
fit <- work()
seconds <- min(replicate(2, system.time(work())[["elapsed"]]))
cat(sprintf('\n{"seconds": %f, "loglik": %f}\n', seconds, as.numeric(logLik(fit))))
