"""Who answers: requests are put to models, each completion is cached, and what that may cost and take is watched.

In: tasks and examples (`golden`), the aliases of pyproject.toml. Out: stored completions by key, probes of latency,
what was spent; and of a merged model, whether its adapter is in it (`weights`).
"""
