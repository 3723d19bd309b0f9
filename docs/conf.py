"""Configuration of the documentation; built with warnings as errors."""

import os

from bayesml.version import __version__

project = "bayesml"
author = "the bayesml developers"
project_copyright = "the bayesml developers"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = "bayesml"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_show_sourcelink = False

# Code cells are run at each build, so that what the pages show is what the package does.
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
# The names of types in docstrings are English, not references.
numpydoc_xref_param_type = False

# Inventories of other projects need the network: only where the site is published.
if os.environ.get("PUBLISH_DOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "pymc": ("https://www.pymc.io/projects/docs/en/stable", None),
        "arviz": ("https://python.arviz.org/en/stable", None),
        "xarray": ("https://docs.xarray.dev/en/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
    }
