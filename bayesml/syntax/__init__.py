"""Text to specifications: formulas, hypotheses, constraints, addresses."""
