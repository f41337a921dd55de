-- Merging two partial aggregates: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm
-- for Computing Sample Variances" (1979). PostgreSQL raises an error where a double under- or
-- overflows, and one odd reading must not stop the stream, so both are guarded against: means
-- closer than 1e-140 are equal, and what a double cannot hold is infinite.
CREATE FUNCTION storage.merged_mean(n1 bigint, mean1 double precision, n2 bigint, mean2 double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN abs(mean2 - mean1) < 1e-140 THEN mean1
                ELSE mean1 + (mean2 - mean1) * (n2::double precision / (n1 + n2)) END
$$;

CREATE FUNCTION storage.merged_m2(n1 bigint, mean1 double precision, m2_1 double precision,
                                  n2 bigint, mean2 double precision, m2_2 double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(mean2 - mean1) < 1e-140 THEN
            CASE WHEN m2_1 / 4 + m2_2 / 4 > 4.4e307 THEN 'Infinity' ELSE m2_1 + m2_2 END
        WHEN m2_1 / 4 + m2_2 / 4
             + (mean2 - mean1) / 2 * ((mean2 - mean1) / 2) * (n1::double precision * n2 / (n1 + n2)) > 4.4e307 THEN
            'Infinity'
        ELSE m2_1 + m2_2 + (mean2 - mean1) * (mean2 - mean1) * (n1::double precision * n2 / (n1 + n2))
    END
$$;
