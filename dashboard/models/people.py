"""Who uses the dashboard, in which teams, and what they may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, override

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from collections.abc import Sequence

type Reader = User | AnonymousUser


class User(AbstractUser):
    """A person. Signs in with the user name or the e-mail address.

    ``visited_at`` is when they came to their own page last, ``visited_before`` the time before.
    """

    email = models.EmailField("e-mail address", unique=True)
    visited_at = models.DateTimeField(null=True, editable=False)
    visited_before = models.DateTimeField(null=True, editable=False)

    def role_in(self, team: Team) -> str | None:
        """Return the role in the team, None for strangers; administrators are owners everywhere."""
        if self.is_superuser:
            return Role.OWNER
        row = Membership.objects.filter(user=self, team=team).values_list("role", flat=True)
        return row.first()

    def may(self, role: Role, team: Team) -> bool:
        """True when the person has at least ``role`` in the team."""
        return self.role_in(team) in role.and_above()


class Role(models.TextChoices):
    """What a member may do, from least to most."""

    VIEWER = "viewer", "Viewer"
    DEVELOPER = "developer", "Developer"
    LEAD = "lead", "Lead"
    OWNER = "owner", "Owner"

    def and_above(self) -> Sequence[Role]:
        """Return this role and all that include it."""
        order = list(Role)
        return order[order.index(self) :]


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams, always asked for by a reader."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the teams the reader belongs to; administrators see all, strangers none."""
        return self.with_role(reader, Role.VIEWER)

    def with_role(self, reader: Reader, role: Role) -> Self:
        """Return the teams in which the reader has at least ``role``."""
        if not isinstance(reader, User) or not reader.is_active:
            return self.none()
        if reader.is_superuser:
            return self.all()
        held = Membership.objects.filter(user=reader, role__in=role.and_above())
        return self.filter(pk__in=held.values("team"))


class Team(models.Model):
    """People who share repositories."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    @override
    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person in one team, with one role."""

    user = models.ForeignKey(User, models.DB_CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.DB_CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "team"], name="membership_once"),
        ]


class ApiToken(models.Model):
    """A token of a person for machines: ``prefix_id_secret``, of which only a digest is kept."""

    user = models.ForeignKey(User, models.DB_CASCADE, related_name="api_tokens")
    team = models.ForeignKey(Team, models.DB_CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
