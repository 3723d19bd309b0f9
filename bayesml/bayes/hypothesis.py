"""`hypothesis`: probabilities and Bayes factors of statements about parameters and predictions."""

from collections.abc import Mapping, Sequence

from bayesml.bayes.hypotheses import Hypotheses, Hypothesis, PointHypothesis, PriorDraws, Region
from bayesml.bayes.margins import comparisons_of, margin_of
from bayesml.bayes.statement_draws import ReadStatement, read_statement
from bayesml.errors import SpecificationError
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior_summary import interval_tails
from bayesml.syntax.statement import Comparison, Logical, Number

Texts = str | Sequence[str] | Mapping[str, str]
Rope = float | tuple[float, float]


def hypothesis(
    result: BayesianResult,
    statements: Texts,
    rope: Rope | None = None,
    names: Sequence[str] | None = None,
    ci_prob: float = 0.95,
    random_seed: int | None = None,
) -> Hypothesis | Hypotheses:
    """Posterior and prior probabilities of statements, and their Bayes factors, each with its Monte-Carlo error.

    Parameters
    ----------
    result : BayesianResult
        From `sample`.
    statements : str, or list or dict of str
        One statement, or several; the keys of a dict are their names. A statement compares arithmetic over addresses
        and predictions, in chains, joined by `and`, `or`, `not`. Functions: exp, log, sqrt, abs. Text never runs as
        code.

        - Order: ``"Days > 8"``, ``"0 < x1 < x2"``, ``"sd(Days | Subject) > sd(Intercept | Subject) / 10"``.
        - Levels: ``"b(Days | Subject[308]) > b(Days | Subject[309])"``.
        - Predictions, as `predict` makes them: ``"mean(Days=10) - mean(Days=0) > 100"``; `mean`, `linear`,
          ``probability(outcome, ...)``, ``survivor(time, ...)``, ``hazard(time, ...)`` and `median`. A grouping factor
          that is given counts with the random effects of its level, ``mean(Days=10, Subject=308)``; other random
          effects are 0. Columns that are not given are held, numbers at their mean and factors at their reference
          level, which is printed.
        - Range: ``"-1 < Days < 1"``, or a quantity alone with `rope`: the share of the posterior inside, below and
          above, and where its highest-density interval lies.
        - Equality of parameters, linear and several jointly: ``"Days = 0"``, ``"treat[a] - treat[b] = 0"``,
          ``"x1 = 0 and x2 = 0"``: a Bayes factor, by the ratio of densities of Savage and Dickey.
    rope : float or (float, float), optional
        The region of practical equivalence of statements that are quantities,
        ``hypothesis(post, "Days", rope=(-1, 1))``; a number stands for both sides of 0.
    names : sequence of str, optional
        Labels of the statements in tables and plots; default: their texts.
    ci_prob : float, default 0.95
        Content of the equal-tailed interval of each estimate, and of the highest-density interval of a range.
    random_seed : int, optional
        Of draws from the priors, and of points that densities far from the posterior are computed at. Default: follows
        from the seed of the sampling.

    Returns
    -------
    Hypothesis
        Of one statement: `probability mcse odds prior_probability prior_mcse prior_odds bayes_factor
        bayes_factor_mcse estimate table`; ``float()`` of it is the probability. Of a range a `Region` (`below above hdi
        verdict`); of an equality a `PointHypothesis` (`bf01 bf10 log_bf01 log_mcse`).
    Hypotheses
        Of several: by position or name, with `table`, a DataFrame.

    Raises
    ------
    FormulaError
        The text is no statement; the place is marked.
    ColumnNotFound
        It names a parameter, column or level that the model does not have.
    SpecificationError
        The result is no posterior, or options do not go together.
    RefusedTest
        An equality whose Bayes factor is no ratio of densities: a flat prior, a standard deviation of 0, a random
        effect, one of several correlations; or the draws do not reach it. The message says what to do.

    Notes
    -----
    The Bayes factor of an order or range is posterior odds over prior odds, for the statement against its complement;
    that of an equality is for the equality (BF01) against its negation. Beyond 3, 20 and 150, or below their inverses,
    Bayes factors are called positive, strong and very strong evidence (Kass and Raftery 1995, Journal of the American
    Statistical Association 90, section 3.2). They depend on the priors, however many the data: look at
    `prior_probability`, and vary the priors.

    Posterior densities at a point are averages of exact conditional normals where coefficients were integrated out
    (linear models with normal priors), importance-weighted averages of the posterior density (other coefficients; all
    parameters of linear models), or kernel estimates (standard deviations, correlations and parameters of the family of
    other models). Where the draws of a linear model tell one with an error above 0.02 in its logarithm, the integral at
    the value is computed by importance sampling, and that of the model without it by bridge sampling.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> bool(bml.hypothesis(post, "Days > 0").probability > 0.99)
    True
    >>> found = bml.hypothesis(post, ["Days > 8", "mean(Days=9, Subject=308) > mean(Days=9, Subject=309) + 100"])
    >>> list(found.table["probability"] > 0.8)
    [True, True]
    """
    require_posterior(result)
    interval_tails(ci_prob)
    texts, labels = texts_and_names(statements, names)
    prior = PriorDraws(result, result.posterior.seed if random_seed is None else random_seed)
    found = []
    for text, label in zip(texts, labels, strict=True):
        read = with_rope(read_statement(result, text), rope)
        own = kind_of(read)(result, read, label or read.text, ci_prob, prior)
        # what cannot be answered is refused here, not when the answer is read
        _ = own.probability
        found.append(own)
    return found[0] if isinstance(statements, str) else Hypotheses(tuple(found))


def require_posterior(result: BayesianResult) -> None:
    """Refuse what is no posterior."""
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            "A hypothesis has a probability given a posterior: sample the model with `bml.sample`. Of a fit, "
            "`bml.wald_test` and `bml.lrtest` give tests."
        )


def texts_and_names(statements: Texts, names: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The statements and their names, empty where none is given."""
    if isinstance(statements, Mapping):
        if names is not None:
            raise SpecificationError("A dict of hypotheses has their names as its keys: leave out `names`.")
        texts, labels = list(statements.values()), list(map(str, statements))
    elif not isinstance(statements, Sequence):
        raise SpecificationError(f'A hypothesis is a text such as "Days > 8", or a list of them, not {statements!r}.')
    else:
        texts = [statements] if isinstance(statements, str) else list(statements)
        labels = [""] * len(texts) if names is None else [names] if isinstance(names, str) else list(map(str, names))
    if not texts:
        raise SpecificationError('Give at least one hypothesis, such as "Days > 8".')
    if len(labels) != len(texts):
        raise SpecificationError(f"There are {len(texts)} hypotheses and {len(labels)} names: give one name each.")
    return texts, labels


def with_rope(read: ReadStatement, rope: Rope | None) -> ReadStatement:
    """A quantity as the statement that it lies in the region; a statement as it is."""
    if isinstance(read.statement, Comparison | Logical):
        if rope is not None:
            raise SpecificationError(
                f'`{read.text}` is a statement already; `rope` is of quantities, as in `hypothesis(post, "Days", '
                "rope=(-1, 1))`."
            )
        return read
    if rope is None:
        raise SpecificationError(
            f"`{read.text}` is a quantity; compare it with something, as in `{read.text} > 0`, or give a region of "
            "practical equivalence, `rope=(-1, 1)`."
        )
    low, high = (-rope, rope) if isinstance(rope, int | float) else rope
    if not low < high:
        raise SpecificationError(f"`rope={rope}`: give its lower and upper end, or one positive number.")
    statement = Comparison(("<", "<"), (Number(float(low)), read.statement, Number(float(high))))
    return read.of(statement)


def kind_of(read: ReadStatement) -> type[Hypothesis]:
    """What a statement is: equations, a range, or an order."""
    signs = {sign for sign, _, _ in comparisons_of(read.statement)}
    if "!=" in signs:
        raise SpecificationError(
            f"`{read.text}`: `!=` has probability one. Ask for the equality, whose Bayes factor against it is `bf10`."
        )
    if "=" in signs:
        if signs != {"="} or alternatives(read.statement):
            raise SpecificationError(
                f"`{read.text}`: an equality, which has probability zero, cannot be part of a larger statement: give a "
                "range, as in `9.5 < Days < 10.5`, or test equations alone or joined by `and`."
            )
        return PointHypothesis
    margin = margin_of(read.statement)
    if not read.leaf_list:
        raise SpecificationError(f"`{read.text}` says nothing about a parameter.")
    both = margin is not None and abs(margin.lower) < float("inf") and abs(margin.upper) < float("inf")
    return Region if both else Hypothesis


def alternatives(statement: object) -> bool:
    """Whether a statement has `or` or `not` in it."""
    match statement:
        case Logical(word, parts):
            return word != "and" or any(map(alternatives, parts))
    return False
