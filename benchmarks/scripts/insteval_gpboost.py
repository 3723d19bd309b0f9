"""InstEval, three crossed factors, ML."""

import gpboost
import numpy as np

from benchmarks.clock import once, report
from benchmarks.data import insteval

table = insteval()
X = np.column_stack([np.ones(len(table)), table["service"].cat.codes == 1]).astype(float)


def work():
    model = gpboost.GPModel(group_data=table[["s", "d", "dept"]].astype(str), likelihood="gaussian")
    return model.fit(y=table["y"].to_numpy(float), X=X)


report(seconds=once(work))
