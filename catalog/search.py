"""
Full-text search with PostgreSQL's own means.

An item's `words` hold its title and description as PostgreSQL's parser cuts them, and the grams of its
title: every letter beyond ASCII, and every pair of neighbours with such a letter. Chinese, Japanese and
Thai write no spaces, so that the parser takes a whole title for one word; the grams find what stands
inside it. A query understands what people type into search engines ("quoted phrase", or, -without); its
last word also matches as a beginning, and words beyond ASCII also match by their grams. All of it is one
look-up in one GIN index.
"""

from django.db.models import BooleanField, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast

SEARCH_LENGTH_MAX = 200

# string_to_table(text, NULL) yields the characters.
CREATE_GRAMS = r"""
CREATE FUNCTION catalog_grams(source text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg(
        concat_ws(' ', CASE WHEN ascii(letter) > 127 THEN letter END,
                  CASE WHEN ascii(letter) > 127 OR ascii(following) > 127 THEN letter || following END), ' ')
    FROM (
        SELECT letter, lead(letter) OVER (ORDER BY place) AS following
        FROM string_to_table(source, NULL) WITH ORDINALITY AS split(letter, place)
    ) AS neighbours
    WHERE letter !~ '\s'
$$
"""

# The text of a tsquery is cut into its quoted lexemes and what stands between them, and put together again. Only a
# lexeme can be a beginning: a phrase that nobody wants ends with a bracket.
CREATE_QUERY = r"""
CREATE OR REPLACE FUNCTION catalog_query(wanted text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH parts AS (
        SELECT found.place, found.part[1] AS part,
               lag(found.part[1]) OVER (ORDER BY place) AS before,
               lead(found.part[1]) OVER (ORDER BY place) IS NULL AS is_last
        FROM regexp_matches(websearch_to_tsquery('simple', wanted)::text, '''(?:[^'']|'''')*''|[^'']+', 'g')
             WITH ORDINALITY AS found(part, place)
    ), widened AS (
        SELECT place, CASE
            WHEN is_last AND left(part, 1) = '''' AND wanted ~ '\w\w$' AND coalesce(before, '') !~ '!$'
            THEN part || ':*' ELSE part
        END AS word, CASE
            WHEN left(part, 1) = '''' THEN plainto_tsquery('simple', catalog_grams(trim('''' FROM part)))::text ELSE ''
        END AS grams
        FROM parts
    )
    SELECT coalesce(string_agg(
        CASE WHEN grams = '' OR grams IS NULL THEN word ELSE '(' || word || ' | (' || grams || '))' END,
        '' ORDER BY place), '')::tsquery
    FROM widened
$$
"""

DROP_GRAMS = "DROP FUNCTION catalog_grams(text)"
DROP_QUERY = "DROP FUNCTION catalog_query(text)"


class _Finds(Func):
    """`vector @@ query`."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


def found_by(items: QuerySet, wanted: str) -> QuerySet:
    """Return those of the items whose words match what somebody typed."""
    query = Func(Cast(Value(wanted), TextField()), function="catalog_query")
    return items.filter(_Finds(F("words"), query))
