# Columns of R's model.matrix for the formulas of test_model_matrix.py; writes model_matrix.json.
# Run in this folder: Rscript model_matrix.R   (R 4.2.2, splines 4.2.2, jsonlite not needed)
library(splines)
df <- data.frame(
  y = 1:12, x = c(0.5, 1, 2, 3.5, 4, 5.5, 6, 7, 8, 9.5, 10, 12), z = c(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8),
  f = factor(rep(c("a", "b", "c"), 4)), g = factor(rep(c("u", "v"), each = 6)),
  h = factor(c("p", "q", "p", "q", "r", "r", "q", "p", "p", "r", "q", "r"))
)
formulas <- c(
  "~ f*g", "~ 0 + f + g", "~ 0 + f:g", "~ f:g", "~ f + f:g", "~ g + f:g", "~ x:f", "~ x*f", "~ 0 + x:f", "~ f/g",
  "~ (f + g + h)^2 - f:h", "~ g %in% f", "~ x + f:x", "~ f*x + g:x - 1", "~ poly(x, 3)", "~ bs(x, df=5)",
  "~ ns(x, df=3)", "~ f:g:h", "~ f*g - f", "~ f*g - 1 - f - g", "~ f + x:z + x", "~ scale(x) + I(x^2)",
  "~ f + g + h - 1", "~ 0 + x + f:g", "~ x + f %in% g", "~ (f + g)/h", "~ f:x + g", "~ h:f + x:h + f", "~ log(x, 2) + x*z"
)
codings <- c(Sum = "contr.sum", Helmert = "contr.helmert", Poly = "contr.poly", Treatment = "contr.treatment")
block <- function(formula, m) {
  rows <- apply(m, 1, function(r) paste0("[", paste(format(r, digits = 17, trim = TRUE), collapse = ", "), "]"))
  paste0('{"formula": "', formula, '", "columns": ["', paste(colnames(m), collapse = '", "'), '"],\n "rows": [',
         paste(rows, collapse = ",\n  "), "]}")
}
blocks <- c(
  sapply(formulas, function(t) block(t, model.matrix(as.formula(t), df))),
  sapply(names(codings), function(name) {
    m <- model.matrix(~ h * x, df, contrasts.arg = list(h = codings[[name]]))
    block(paste0("~ C(h, ", name, ") * x"), m)
  })
)
writeLines(paste0("[", paste(blocks, collapse = ",\n"), "]"), "model_matrix.json")
