"""Gates at every phase of a model's life: its charter, the use of data, training, a new application, retirement.

What people sign there, and whether it counts, is judged as the sign-offs of a version are: ``governance.signoffs``.
"""
