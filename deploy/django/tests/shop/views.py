from django.http import JsonResponse
from django.views.generic import ListView
from rest_framework import generics, serializers, viewsets

import larder_django

from .models import Article, Category, Label, Price, Unheard


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ["slug"]


class ArticleSerializer(serializers.ModelSerializer):
    category = CategorySerializer()
    labels = serializers.SlugRelatedField(slug_field="name", many=True, queryset=Label.objects.all())

    class Meta:
        model = Article
        fields = ["id", "slug", "category", "labels"]


@larder_django.tagged
class ArticleViewSet(viewsets.ModelViewSet):
    queryset = Article.objects.order_by("pk")
    serializer_class = ArticleSerializer


class PriceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Price
        fields = ["article", "amount"]


class PriceView(generics.ListAPIView):
    queryset = Price.objects.order_by("pk")
    serializer_class = PriceSerializer


class UnheardView(ListView):
    model = Unheard


@larder_django.tagged(Price, "price-list")
def price_table(request):
    return JsonResponse({"prices": list(Price.objects.values_list("amount", flat=True))},
                        status=int(request.GET.get("status", 200)))


def article_page(request, slug):
    article = Article.objects.get(slug=slug)
    return larder_django.tag_response(JsonResponse({"slug": slug}), article, "pages")
