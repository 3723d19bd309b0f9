"""Fits of sleepstudy in a process that has fitted before."""

import warnings

import statsmodels.formula.api as smf

from benchmarks.clock import best, report
from benchmarks.data import sleepstudy

warnings.simplefilter("ignore")
table = sleepstudy()
table["Subject"] = table["Subject"].astype(str)
model = {"formula": "Reaction ~ Days", "data": table, "groups": "Subject", "re_formula": "~Days"}
report(seconds=best(lambda: smf.mixedlm(**model).fit(reml=True), 10))
