"""The site map. Nouns in the path; filters, sorting and pages live in the query string."""

from allauth.account import views as account
from django.urls import path

from dashboard.views import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", account.login, name="account_login"),
    path("sign-out/", account.logout, name="account_logout"),
    path("me/password/", account.password_change, name="account_change_password"),
]
