"""Run a vendor command once, report its failure and follow the job that it begins. No command is repeated."""

from collections.abc import Awaitable, Callable
from functools import partial

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import slugify

from .account import Account
from .client.errors import (
    CertificateError,
    NoTlsError,
    RateLimitedError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from .const import DOMAIN
from .engine.jobs import async_follow_job
from .engine.markdown import escape
from .error_messages import translate_error
from .models import Channel, Job, JobState

type OnEnd = Callable[[JobState | None], None]


def failure(err: VendorError, *, is_write: bool) -> HomeAssistantError:
    """Return the error to show for a vendor's error; an ambiguous write may have been executed."""
    key, placeholders = translate_error(err)
    if (
        isinstance(err, UnexpectedResponseError)
        and err.status is not None
        and 400 <= err.status < 500
    ):
        key, placeholders = "refused", {"status": str(err.status)}
    elif isinstance(err, CertificateError | NoTlsError):
        pass  # nothing was sent, so nothing was done
    elif is_write and isinstance(err, UnreachableError | UnexpectedResponseError):
        key, placeholders = "outcome_unknown", None
    return HomeAssistantError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


async def async_execute_command(
    account: Account,
    channel: Channel,
    entity_id: str,
    command: Callable[[], Awaitable[Job | None]],
    on_end: OnEnd | None = None,
) -> None:
    """Run a command once and follow its job in the background.

    Errors name the entity. Raises HomeAssistantError where the failure is known at once.
    """
    state_now = account.hass.states.get(entity_id)
    name = state_now.name if state_now else entity_id
    try:
        async with account.budget.until_stop():
            job = await command()
    except VendorError as err:
        raise failure(err, is_write=True) from None
    state = await _poll_job(account, job) if job is not None else JobState.DONE
    if state is JobState.FAILED:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="work_failed",
            translation_placeholders={"what": name},
        )
    on_job_end = partial(_on_job_end, account, channel, name, on_end)
    if job is not None and state is JobState.RUNNING:
        async_follow_job(
            account.hass, account.entry, job.name, partial(_poll_job, account, job), on_job_end
        )
    else:
        on_job_end(state)


@callback
def async_resume_command(account: Account, job: Job) -> None:
    """Follow the job of an action in the background; polling it updates what is shown."""
    if account.connection.show is None:
        return  # it was unloaded meanwhile
    poll = partial(_poll_job, account, job)
    async_follow_job(account.hass, account.entry, job.name, poll, lambda state: None)


async def _poll_job(account: Account, job: Job) -> JobState | None:
    """Poll a job; RUNNING for a temporary failure, None for one that ends polling."""
    if account.inventory_coordinator.is_signed_out:
        return None
    try:
        return await job.poll()
    except UnreachableError, RateLimitedError:
        return JobState.RUNNING
    except VendorError:
        return None


@callback
def _on_job_end(
    account: Account, channel: Channel, name: str, on_end: OnEnd | None, state: JobState | None
) -> None:
    issue_id = f"work_failed_{account.entry.entry_id}_{slugify('_'.join(channel.id))}"
    if state is JobState.DONE:
        ir.async_delete_issue(account.hass, DOMAIN, issue_id)
        account.entry.async_create_background_task(
            account.hass, account.async_request_refresh(channel), f"{DOMAIN} after {channel.key}"
        )
    else:
        ir.async_create_issue(
            account.hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="work_failed" if state is JobState.FAILED else "work_unconfirmed",
            translation_placeholders={
                "title": account.entry.title,
                "what": escape(name),
            },
        )
    if on_end is not None:
        on_end(state)
