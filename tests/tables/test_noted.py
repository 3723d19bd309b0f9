import pandas as pd

from bayesml.tables.noted import NotedFrame

FRAME = NotedFrame(pd.DataFrame({"a": [1.0, 2.0]}), ["At x = 0 & y < 1."])


def test_prints_its_notes():
    assert repr(FRAME).endswith("At x = 0 & y < 1.")
    assert "At x = 0 &amp; y &lt; 1." in FRAME._repr_html_()


def test_parts_are_plain_pandas():
    assert type(FRAME[["a"]]) is pd.DataFrame
    assert type(FRAME["a"]) is pd.Series
    assert FRAME.loc[1, "a"] == 2.0
