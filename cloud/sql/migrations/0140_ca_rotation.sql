-- Which CA signed a certificate, and which CAs its device was told to trust (cloud/control/ca).
-- Null: from before that was written down.
ALTER TABLE control.credential ADD COLUMN authority text;
