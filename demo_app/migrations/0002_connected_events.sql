-- An account can be connected with an identity at an OpenID Connect provider.
ALTER TABLE account_events
    DROP CONSTRAINT account_events_kind_check,
    ADD CONSTRAINT account_events_kind_check
        CHECK (kind IN ('registered', 'logged_in', 'login_failed', 'edited', 'logged_out', 'connected'));
