"""Callables for LARDER["MODELS"]."""


def of_price(price):
    return f"/api/articles/{price.article_id}/prices/"


def broken(row):
    raise ValueError("the team's own mistake")
