from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from .views import ArticleViewSet, PriceView, UnheardView, article_page, price_table

router = DefaultRouter()
router.register("articles", ArticleViewSet)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("api/prices/", PriceView.as_view()),
    path("api/unheard/", UnheardView.as_view()),
    path("prices.html", price_table),
    path("pages/<slug:slug>/", article_page),
]
