from django.contrib import admin

from jobs.models import ExampleJobApplication, JobApplication, Notice


@admin.register(ExampleJobApplication)
class ExampleJobApplicationAdmin(admin.ModelAdmin):
    list_display = ["id", "company", "position", "status"]
    list_display_links = ["company"]


@admin.register(JobApplication)
class JobApplicationAdmin(admin.ModelAdmin):
    list_display = ["company", "position", "status", "owner"]


admin.site.register(Notice)
