"""Predictions from the draws of a posterior."""

from typing import Any

import numpy as np
import pandas as pd

from bayesml.post.prediction_rows import PredictionRows
from bayesml.results.posterior import flat_draws, row_blocks, term_roots


def predict_by_draws(
    result: Any,
    rows: PredictionRows,
    ranef: str,
    new_levels: str,
    interval: str | None,
    ci_prob: float,
    rng: np.random.Generator,
    with_se: bool,
) -> pd.DataFrame:
    """`estimate se lower upper`: mean, sd and equal-tailed quantiles of the draws, by blocks of rows."""
    post = result.posterior
    beta, sigma = flat_draws(post.beta), flat_draws(post.sigma)
    effects = [flat_draws(b) for b in result.effects] if ranef == "conditional" else []
    spread = ranef == "marginal" and interval == "prediction"
    roots = [flat_draws(term_roots(*parts)) for parts in zip(result.design.random, post.sds, post.corrs, strict=True)]
    new = [
        rng.standard_normal((len(beta), len(t.unseen_labels), t.Z.shape[1])) if new_levels == "draw" else None
        for t in rows.terms
    ]
    parts = []
    for part in row_blocks(len(rows.X), len(beta)):
        eta = beta @ rows.X[part].T + np.broadcast_to(rows.offset, len(rows.X))[part]
        for k, b in enumerate(effects):
            term = rows.terms[k]
            codes, unseen, Z = term.codes[part], term.unseen[part], term.Z[part]
            eta += np.where(codes >= 0, np.einsum("mq,smq->sm", Z, b[:, codes]), 0.0)
            if new_levels == "draw" and term.unseen_labels:
                fresh = np.einsum("sij,slj->sli", roots[k], new[k])
                eta += np.where(unseen >= 0, np.einsum("mq,smq->sm", Z, fresh[:, unseen]), 0.0)
        frame = pd.DataFrame({"estimate": eta.mean(axis=0), "se": eta.std(axis=0, ddof=1)})
        if interval is not None:
            values = eta
            if interval == "prediction":
                if spread:
                    for term, root in zip(rows.terms, roots, strict=True):
                        u = rng.standard_normal((len(beta), len(eta.T), term.Z.shape[1]))
                        values = values + np.einsum("mi,sij,smj->sm", term.Z[part], root, u)
                scale = np.broadcast_to(
                    rows.response_scale(sigma[:, None] * np.ones(len(rows.X))), (len(beta), len(rows.X))
                )[:, part]
                values = result.model.family.simulate(rng, {"mu": values, "sigma": scale})
            frame["lower"], frame["upper"] = np.quantile(values, [(1 - ci_prob) / 2, (1 + ci_prob) / 2], axis=0)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)
