from rest_framework import pagination, permissions, serializers, viewsets

from jobs.models import ExampleJobApplication, JobApplication, Notice
from resumate.view_cache import ViewCacheMixin

APPLICATION_FIELDS = ["id", "company", "position", "location", "status", "applied_on", "notes"]


class Pages(pagination.PageNumberPagination):
    page_size = 10
    page_size_query_param = "page_size"
    max_page_size = 100


class ExampleJobApplicationSerializer(serializers.ModelSerializer):
    class Meta:
        model = ExampleJobApplication
        fields = APPLICATION_FIELDS


class ExampleJobApplicationViewSet(ViewCacheMixin, viewsets.ReadOnlyModelViewSet):
    """Examples for visitors. They change in the admin."""

    queryset = ExampleJobApplication.objects.all()
    serializer_class = ExampleJobApplicationSerializer
    permission_classes = [permissions.AllowAny]
    pagination_class = Pages
    lookup_value_regex = r"\d+"


class JobApplicationSerializer(serializers.ModelSerializer):
    class Meta:
        model = JobApplication
        fields = APPLICATION_FIELDS


class JobApplicationViewSet(viewsets.ModelViewSet):
    """A user's own applications; nobody sees another's."""

    serializer_class = JobApplicationSerializer
    pagination_class = Pages
    lookup_value_regex = r"\d+"

    def get_queryset(self):
        return JobApplication.objects.filter(owner=self.request.user)

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)


class NoticeSerializer(serializers.ModelSerializer):
    class Meta:
        model = Notice
        fields = ["id", "title", "text"]


class StaffWrites(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS or bool(request.user and request.user.is_staff)


class NoticeViewSet(viewsets.ModelViewSet):
    """News: everyone reads, staff writes."""

    queryset = Notice.objects.all()
    serializer_class = NoticeSerializer
    permission_classes = [StaffWrites]
    pagination_class = Pages
    lookup_value_regex = r"\d+"
