"""Adds a device to a server before it registers, and changes it later."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .address import usual_scheme
from .const import CONF_ENDPOINT, SUBENTRY_TYPE_DEVICE
from .credentials import (
    CONF_SECURITY,
    SecurityMode,
    dump_credential,
    load_credential,
    mode_of,
)
from .form_fields import choice
from .key_material import (
    KeyMaterialError,
    check_authorities,
    check_validity,
    make_certificate,
    make_pre_shared_key,
    make_private_key,
    private_der,
    public_der,
    read_certificates,
    read_pre_shared_key,
    read_public_key,
    without_private_keys,
)
from .protocol.dtls import CertificateTrust, CertificateUsage
from .protocol.registration import MAX_PARAMETER_LENGTH
from .protocol.security import (
    MAX_PSK_IDENTITY,
    Certificate,
    CredentialError,
    CredentialInUse,
    CredentialStore,
    PreSharedKey,
    RawPublicKey,
)
from .reporting_flow import ReportingFlow
from .settings_flow import SettingsFlow

if TYPE_CHECKING:
    from .protocol.security import Credential

MAX_ENDPOINT_LENGTH = MAX_PARAMETER_LENGTH - len("ep=")


class Trust(StrEnum):
    """Which certificates of a device are trusted."""

    ISSUED = "issued"
    """One that is made here, and that alone."""
    DOMAIN_ISSUED_CERTIFICATE = "domain_issued_certificate"
    TRUST_ANCHOR_ASSERTION = "trust_anchor_assertion"
    SERVICE_CERTIFICATE_CONSTRAINT = "service_certificate_constraint"
    CA_CONSTRAINT = "ca_constraint"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the form that it needs."""
        match self:
            case Trust.ISSUED:
                return ()
            case Trust.DOMAIN_ISSUED_CERTIFICATE | Trust.TRUST_ANCHOR_ASSERTION:
                return ("certificate",)
            case Trust.SERVICE_CERTIFICATE_CONSTRAINT | Trust.CA_CONSTRAINT:
                return ("certificate", "roots")

    @property
    def is_of_authority(self) -> bool:
        """Whether the certificate that is held is an authority's."""
        return self in {Trust.TRUST_ANCHOR_ASSERTION, Trust.CA_CONSTRAINT}


_LINES = TextSelector(TextSelectorConfig(multiline=True))
SECURITY_SCHEMA = vol.Schema({vol.Required(CONF_SECURITY): choice(SecurityMode, "security_mode")})
DEVICE_SCHEMA = vol.Schema({vol.Required(CONF_ENDPOINT): cv.string}).extend(SECURITY_SCHEMA.schema)
NAME_SCHEMA = vol.Schema({vol.Required(CONF_NAME): cv.string})
PRE_SHARED_KEY_SCHEMA = vol.Schema(
    {
        vol.Required("identity"): cv.string,
        vol.Optional("key"): TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD)),
    }
)
RAW_PUBLIC_KEY_SCHEMA = vol.Schema({vol.Optional("public_key"): _LINES})
CERTIFICATE_SCHEMA = vol.Schema(
    {
        vol.Required("trust"): choice(Trust, "certificate_trust"),
        vol.Optional("certificate"): _LINES,
        vol.Optional("roots"): _LINES,
    }
)


class DeviceSubentryFlow(SettingsFlow, ReportingFlow):
    """Adds a device by its endpoint name, or changes its name, its security and its options.

    What has been chosen is saved at the end, after what the device has to be told was shown.
    """

    # A new device

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the endpoint name and how the device is secured."""
        errors: dict[str, str] = {}
        if user_input is not None:
            endpoint = user_input[CONF_ENDPOINT].strip()
            subentries = self._get_entry().subentries.values()
            if not endpoint.isprintable() or not 0 < len(endpoint.encode()) <= MAX_ENDPOINT_LENGTH:
                errors[CONF_ENDPOINT] = "invalid_endpoint"
            elif any(subentry.unique_id == endpoint for subentry in subentries):
                errors[CONF_ENDPOINT] = "already_configured"
            elif not (errors := self._mode_errors(user_input[CONF_SECURITY])):
                self._endpoint = endpoint
                return await self._choose(SecurityMode(user_input[CONF_SECURITY]))
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                DEVICE_SCHEMA, user_input or {CONF_SECURITY: self._usual_mode}
            ),
            errors=errors,
        )

    # A device that is there

    async def async_step_reconfigure(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what is to be changed."""
        subentry = self._get_reconfigure_subentry()
        self._endpoint = subentry.unique_id or subentry.title
        secured = load_credential(subentry.data) is not None
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=[
                "name",
                "reporting",
                "security",
                *(["rotate"] if secured else []),
                "settings",
            ],
            description_placeholders={"endpoint": self._endpoint},
        )

    async def async_step_name(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the device's name in Home Assistant."""
        subentry = self._get_reconfigure_subentry()
        if user_input is not None:
            title = user_input[CONF_NAME].strip() or self._endpoint
            return self.async_update_and_abort(self._get_entry(), subentry, title=title)
        return self.async_show_form(
            step_id="name",
            data_schema=self.add_suggested_values_to_schema(
                NAME_SCHEMA, {CONF_NAME: subentry.title}
            ),
        )

    async def async_step_security(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how the device is secured from now on."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = self._mode_errors(user_input[CONF_SECURITY])
            if not errors:
                return await self._choose(SecurityMode(user_input[CONF_SECURITY]))
        mode = mode_of(self._stored_credential)
        return self.async_show_form(
            step_id="security",
            data_schema=self.add_suggested_values_to_schema(
                SECURITY_SCHEMA, user_input or {CONF_SECURITY: mode}
            ),
            errors=errors,
        )

    async def async_step_rotate(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Replace the device's credential by one of the same kind."""
        match self._stored_credential:
            case PreSharedKey(identity=identity):
                if user_input is None:
                    return self.async_show_form(step_id="rotate", last_step=False)
                return await self._show(PreSharedKey(identity, make_pre_shared_key()))
            case credential:
                return await self._choose(mode_of(credential))

    async def async_step_settings(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the device has to be told, as far as that is known here."""
        return await self._show(self._stored_credential, changed=False)

    @property
    def _stored_credential(self) -> Credential | None:
        return load_credential(self._get_reconfigure_subentry().data)

    # The credential

    async def async_step_pre_shared_key(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the identity and the key; none is one that is made here."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            identity = user_input["identity"].strip().encode()
            text = user_input.get("key", "").strip()
            try:
                key = read_pre_shared_key(text) if text else make_pre_shared_key()
            except KeyMaterialError as err:
                errors["key"] = err.fault
            if not 0 < len(identity) <= MAX_PSK_IDENTITY:
                errors["identity"] = "invalid_identity"
            if not errors:
                credential = PreSharedKey(identity, key)
                errors, placeholders = self._credential_errors("identity", credential)
                if not errors:
                    return await self._show(credential)
        shown = {"identity": user_input["identity"] if user_input else self._usual_identity}
        return self.async_show_form(
            step_id="pre_shared_key",
            data_schema=self.add_suggested_values_to_schema(PRE_SHARED_KEY_SCHEMA, shown),
            errors=errors,
            description_placeholders={"owner": "", **placeholders},
            last_step=False,
        )

    async def async_step_raw_public_key(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the device's public key; none is a key pair that is made here."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            private_key = None
            try:
                if text := user_input.get("public_key", "").strip():
                    credential = RawPublicKey(read_public_key(text))
                else:
                    key = make_private_key()
                    private_key = private_der(key)
                    credential = RawPublicKey(public_der(key.public_key()))
            except KeyMaterialError as err:
                errors["public_key"] = err.fault
            else:
                errors, placeholders = self._credential_errors("public_key", credential)
                if not errors:
                    return await self._show(credential, private_key)
        return self.async_show_form(
            step_id="raw_public_key",
            data_schema=self.add_suggested_values_to_schema(
                RAW_PUBLIC_KEY_SCHEMA, without_private_keys(user_input or {})
            ),
            errors=errors,
            description_placeholders={"owner": "", **placeholders},
            last_step=False,
        )

    async def async_step_certificate(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a certificate and what it is trusted for, or issue one."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            trust = Trust(user_input["trust"])
            certificates: list[bytes] = []
            errors = _not_needed(user_input, trust)
            if not errors:
                certificates, errors, placeholders = _read_certificates(user_input, trust)
            if not errors and trust is Trust.ISSUED:
                key = make_private_key()
                held = CertificateTrust(
                    CertificateUsage.DOMAIN_ISSUED_CERTIFICATE,
                    make_certificate(key, self._endpoint),
                )
                return await self._show(Certificate(held), private_der(key))
            if not errors:
                certificate, *roots = certificates
                held = CertificateTrust(CertificateUsage[trust.name], certificate, tuple(roots))
                credential = Certificate(held)
                errors, placeholders = self._credential_errors("certificate", credential)
                if not errors:
                    return await self._show(credential)
        return self.async_show_form(
            step_id="certificate",
            data_schema=self.add_suggested_values_to_schema(
                CERTIFICATE_SCHEMA, without_private_keys(user_input or {"trust": Trust.ISSUED})
            ),
            errors=errors,
            description_placeholders={"owner": "", **placeholders},
            last_step=False,
        )

    @property
    def _usual_identity(self) -> str:
        """The identity that the device has, or that most devices would choose."""
        if self.source == SOURCE_RECONFIGURE:
            match self._stored_credential:
                case PreSharedKey(identity=identity):
                    return identity.decode(errors="replace")
        return self._endpoint

    async def _choose(self, mode: SecurityMode) -> SubentryFlowResult:
        """Go on with the form of a mode."""
        match mode:
            case SecurityMode.NONE:
                return await self._show(None)
            case SecurityMode.PRE_SHARED_KEY:
                return await self.async_step_pre_shared_key()
            case SecurityMode.RAW_PUBLIC_KEY:
                return await self.async_step_raw_public_key()
            case SecurityMode.CERTIFICATE:
                return await self.async_step_certificate()

    @property
    def _usual_mode(self) -> SecurityMode:
        encrypts = usual_scheme(self._get_entry().data, SecurityMode.PRE_SHARED_KEY)
        return SecurityMode.PRE_SHARED_KEY if encrypts else SecurityMode.NONE

    def _mode_errors(self, mode: str) -> dict[str, str]:
        if usual_scheme(self._get_entry().data, SecurityMode(mode)):
            return {}
        return {CONF_SECURITY: "coap_off" if mode == SecurityMode.NONE else "coaps_off"}

    def _credential_errors(
        self, field: str, credential: Credential
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return a form's errors, and placeholders for them."""
        store = CredentialStore()
        for subentry in self._get_entry().get_subentries_of_type(SUBENTRY_TYPE_DEVICE):
            other = load_credential(subentry.data)
            if other and subentry.unique_id and subentry.unique_id != self._endpoint:
                store.put(subentry.unique_id, other)
        try:
            store.put(self._endpoint, credential)
        except CredentialInUse as err:
            return {field: "credential_in_use"}, {"owner": err.endpoint}
        except CredentialError:
            return {field: "unusable_credential"}, {}
        return {}, {}

    @override
    def _save(self, credential: Credential | None) -> SubentryFlowResult:
        """Add the device, or change its security: all that its former credential opened ends."""
        if credential and self._credential_errors("base", credential)[0]:
            return self.async_abort(reason="credential_in_use")  # another flow was faster
        data = dump_credential(credential)
        if self.source == SOURCE_USER:
            return self.async_create_entry(
                title=self._endpoint, data=data, unique_id=self._endpoint
            )
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            data_updates=data,
            reason="security_changed",
        )


def _not_needed(user_input: dict[str, Any], trust: Trust) -> dict[str, str]:
    """Return errors for the fields that would be ignored."""
    return {
        field: f"{field}_not_needed"
        for field in ("certificate", "roots")
        if field not in trust.fields and user_input.get(field, "").strip()
    }


def _read_certificates(
    user_input: dict[str, Any], trust: Trust
) -> tuple[list[bytes], dict[str, str], dict[str, str]]:
    """Read the certificate that is held, and after it the roots.

    Or return a form's errors, and placeholders for them. A certificate that is trusted by itself
    does not expire (RFC 7671 5.1).
    """
    found: list[bytes] = []
    for field in trust.fields:
        try:
            certificates = read_certificates(user_input.get(field, ""))
            if field == "certificate":
                certificates = certificates[:1]
            if trust is not Trust.DOMAIN_ISSUED_CERTIFICATE:
                check_validity(certificates, dt_util.utcnow())
            if field == "roots" or trust.is_of_authority:
                check_authorities(certificates)
        except KeyMaterialError as err:
            return [], {field: err.fault}, err.placeholders
        found += certificates
    return found, {}, {}
