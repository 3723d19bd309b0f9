"""VerbAgg, persons and items crossed, logit, by Laplace's method."""

import gpboost
import numpy as np
import pandas as pd

from benchmarks.clock import best, report
from benchmarks.data import verbagg

table = verbagg()
dummies = pd.get_dummies(table[["Gender", "btype", "situ"]], drop_first=True).to_numpy(float)
X = np.column_stack([np.ones(len(table)), table["Anger"], dummies])


def work():
    model = gpboost.GPModel(group_data=table[["id", "item"]].astype(str), likelihood="bernoulli_logit")
    return model.fit(y=table["r2n"].to_numpy(float), X=X)


report(seconds=best(work, 3), loglik=-work().get_current_neg_log_likelihood())
