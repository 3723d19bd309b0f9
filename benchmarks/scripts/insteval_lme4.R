# InstEval, three crossed factors, ML.
suppressPackageStartupMessages(library(lme4))
seconds <- system.time(lmer(y ~ service + (1 | s) + (1 | d) + (1 | dept), InstEval, REML = FALSE))[["elapsed"]]
cat(sprintf('\n{"seconds": %f}\n', seconds))
