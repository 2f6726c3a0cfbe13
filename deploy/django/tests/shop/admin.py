from django.contrib import admin

from .models import Unheard

admin.site.register(Unheard)
