# A thousand refits of sleepstudy to new responses.
suppressPackageStartupMessages(library(lme4))
fit <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
Y <- simulate(fit, 1000, seed = 1)
seconds <- system.time(suppressMessages(suppressWarnings(for (y in Y) refit(fit, y))))[["elapsed"]]
cat(sprintf('\n{"seconds": %f}\n', seconds))
