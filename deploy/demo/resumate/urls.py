from django.contrib import admin
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from accounts.views import RegisterView
from ai.views import AIModelListView, GenerateView, stream
from jobs.views import ExampleJobApplicationViewSet, JobApplicationViewSet, NoticeViewSet
from resumate.views import download, healthz, upload

router = DefaultRouter()
router.register("example-job-applications", ExampleJobApplicationViewSet, basename="example-job-application")
router.register("job-applications", JobApplicationViewSet, basename="job-application")
router.register("notices", NoticeViewSet, basename="notice")

urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("api/auth/token/", TokenObtainPairView.as_view()),
    path("api/auth/token/refresh/", TokenRefreshView.as_view()),
    path("api/auth/register/", RegisterView.as_view()),
    path("api/ai/models/", AIModelListView.as_view()),
    path("api/ai/generate/", GenerateView.as_view()),
    path("api/ai/stream/", stream),
    path("api/files/", upload),
    path("api/files/<int:size>/", download),
    path("api/", include(router.urls)),
    # The admin's and the API browser's own styles, without a second server beside gunicorn.
    path("static/<path:path>", serve_static, {"insecure": True}),
]
