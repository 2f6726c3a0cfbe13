from django.db import models

import larder_django


class Category(models.Model):
    slug = models.SlugField()


class Label(models.Model):
    name = models.CharField(max_length=50)


class Article(models.Model):
    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE)
    slug = models.CharField(max_length=100, default="none")
    labels = models.ManyToManyField(Label, related_name="articles")

    objects = larder_django.EvictingManager()


class Featured(Article):
    """A child of its own table."""

    place = models.IntegerField(default=0)


class ArticleProxy(Article):
    class Meta:
        proxy = True


class Price(models.Model):
    article = models.ForeignKey(Article, null=True, on_delete=models.CASCADE)
    amount = models.IntegerField(default=0)

    objects = larder_django.EvictingManager()


class Unheard(models.Model):
    """Of which LARDER says nothing."""
