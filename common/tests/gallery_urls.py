"""The gallery's address alone, for its tests."""

from django.urls import path

from common.gallery import gallery

urlpatterns = [path("_gallery/", gallery, name="gallery")]
