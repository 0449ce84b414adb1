"""Shows what a device has to be told, in a flow that has it saved afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.helpers.selector import (
    QrCodeSelector,
    QrCodeSelectorConfig,
    QrErrorCorrectionLevel,
)
import voluptuous as vol

from .address import ports_of, usual_scheme
from .connection_settings import ConnectionSettings, Sdk
from .credentials import mode_of
from .protocol.coap import Scheme
from .server_identity import async_ensure_identity, async_server_hosts

if TYPE_CHECKING:
    from .protocol.security import Credential


WIDE_QR_CODE = 450
"""Characters, from which on a QR code needs smaller modules to fit into the dialog."""


class SettingsFlow(ConfigSubentryFlow):
    """A menu of the settings: as they are, as a QR code, for each SDK.

    From there they are saved, or left as they are if they are no news.
    """

    _endpoint: str
    _settings: ConnectionSettings
    _changed = False

    async def _show(
        self,
        credential: Credential | None,
        private_key: bytes | None = None,
        *,
        changed: bool = True,
    ) -> SubentryFlowResult:
        entry = self._get_entry()
        hosts = await async_server_hosts(self.hass, entry)
        usual = Scheme.COAPS if credential else Scheme.COAP
        scheme = usual_scheme(entry.data, mode_of(credential)) or usual
        self._changed = changed
        self._settings = ConnectionSettings(
            self._endpoint,
            scheme,
            hosts[0],
            ports_of(entry.data).get(scheme, 0),
            await async_ensure_identity(self.hass, entry),
            credential,
            private_key,
        )
        return self._show_settings()

    def _show_settings(self) -> SubentryFlowResult:
        settings = self._settings
        made = "_made" if settings.private_key else ""
        return self.async_show_menu(
            step_id=f"settings_{settings.mode}{made}",
            menu_options=[
                "save" if self._changed else "done",
                *(["qr_code"] if settings.qr_code else []),
                *settings.sdks,
            ],
            description_placeholders=settings.placeholders,
        )

    async def async_step_settings_none(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the settings, each mode with its own words."""
        return self._show_settings()

    async_step_settings_pre_shared_key = async_step_settings_none
    async_step_settings_raw_public_key = async_step_settings_none
    async_step_settings_raw_public_key_made = async_step_settings_none
    async_step_settings_certificate = async_step_settings_none
    async_step_settings_certificate_made = async_step_settings_none

    async def async_step_qr_code(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the settings as a QR code."""
        if user_input is not None:
            return self._show_settings()
        data = self._settings.qr_code or ""
        code = QrCodeSelector(
            QrCodeSelectorConfig(
                data=data,
                scale=4 if len(data) <= WIDE_QR_CODE else 3,
                error_correction_level=QrErrorCorrectionLevel.MEDIUM,
            )
        )
        return self.async_show_form(
            step_id="qr_code",
            data_schema=vol.Schema({vol.Optional("qr_code"): code}),
            last_step=False,
        )

    async def async_step_zephyr(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the settings as Zephyr takes them."""
        return self._show_sdk(Sdk.ZEPHYR, user_input)

    async def async_step_anjay(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the settings as Anjay takes them."""
        return self._show_sdk(Sdk.ANJAY, user_input)

    async def async_step_wakaama(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the settings as Wakaama takes them."""
        return self._show_sdk(Sdk.WAKAAMA, user_input)

    async def async_step_leshan(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the settings as Leshan takes them."""
        return self._show_sdk(Sdk.LESHAN, user_input)

    def _show_sdk(self, sdk: Sdk, user_input: dict[str, Any] | None) -> SubentryFlowResult:
        if user_input is not None:
            return self._show_settings()
        return self.async_show_form(
            step_id=sdk.value,
            description_placeholders={"settings": self._settings.of(sdk)},
            last_step=False,
        )

    async def async_step_save(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Keep what was chosen."""
        return self._save(self._settings.credential)

    async def async_step_done(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Leave all as it is."""
        return self.async_abort(reason="settings_shown")

    def _save(self, credential: Credential | None) -> SubentryFlowResult:
        """Add the device, or change how it is secured."""
        raise NotImplementedError
