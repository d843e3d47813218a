"""The schema's history. A new step is drafted from the models, then checked by hand:

alembic -c service/store/migrations/alembic.ini -x url=sqlite:///data/x.db revision --autogenerate -m "..."
"""
