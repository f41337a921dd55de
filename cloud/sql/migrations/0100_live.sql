-- A panel's login at the broker, one a token: PBKDF2, salt and hash in base64, as the broker's plugin
-- takes them. It outlives its token (hence no foreign key) until the broker has been told of the end.
CREATE TABLE control.live_login (
    token bigint PRIMARY KEY,
    username text NOT NULL UNIQUE,
    salt text NOT NULL,
    password text NOT NULL,
    iterations int NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.live_login TO fieldline_control;
