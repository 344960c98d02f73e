from django.contrib.auth import get_user_model
from django.urls import path
from rest_framework.generics import RetrieveAPIView
from rest_framework.serializers import ModelSerializer
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView


class UserSerializer(ModelSerializer):
    """The fields of Djoser's own."""

    class Meta:
        model = get_user_model()
        fields = ("email", "id", "username")


class Me(RetrieveAPIView):
    serializer_class = UserSerializer

    def get_object(self):
        return self.request.user


urlpatterns = [
    path("auth/users/me/", Me.as_view()),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
]
