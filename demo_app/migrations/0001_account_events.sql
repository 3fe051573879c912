-- What happened to accounts. Rows are only ever added.
CREATE TABLE account_events (
    -- made where the event happens: writing one twice keeps it once
    id          uuid PRIMARY KEY,
    -- NULL: a try to log in to an account that doesn't exist
    account_id  text,
    kind        text NOT NULL
                CHECK (kind IN ('registered', 'logged_in', 'login_failed', 'edited', 'logged_out')),
    address     inet,
    user_agent  text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX account_events_by_account ON account_events (account_id, at DESC, id);
