"""One company, many spellings; two companies, two keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.analysis.text.naming import account_key, clean_name, entity_key, same_entity


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("Larkspur Bakeries (KL) Sdn Bhd (139386 X)", "Larkspur Bakeries (KL) Sdn Bhd"),
        ("FENWICK'S CONFECTIONERY S/B 273500-U (GKJ)", "FENWICK'S CONFECTIONERY S/B"),
        ("Dimiliki oleh : Heron Holdings Sdn Bhd", "Heron Holdings Sdn Bhd"),
        ("Owned by: Osprey Foods Inc.", "Osprey Foods Inc."),
        ("22 QUICK MART 5/B", "22 QUICK MART S/B"),
        ("Studio 54", "Studio 54"),
        ("Coot Hollow School 555-0131", "Coot Hollow School"),
        ("Heron Clinic, Tel: +1 (555) 013-1234", "Heron Clinic"),
        ("  Coot & Daughters,  ", "Coot & Daughters"),
    ],
)
def test_a_name_is_cleaned_for_display(printed: str, shown: str) -> None:
    assert clean_name(printed) == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FENWICK'S CONFECTIONERY S/B", "Fenwicks Confectionery Sdn. Bhd."),
        ("Coolwater B.V.", "Coolwater"),
        ("Müller GmbH", "MULLER"),
        ("T.A.S Leisure Sdn Bhd (256864-P)", "TAS LEISURE SDN BHD"),
        ("MR. K. I. P. (NORTH) SDN BHD", "MR. K.I.P.(NORTH) SDN BHD"),
        ("L1AN HONG STATI0NERY", "LIAN HONG STATIONERY"),
        ("SANDPIPERSTATIONERYSHOP", "SANDPIPER STATIONERY SHOP"),
        ("The Heron Company", "Heron"),
        ("heron.com", "Heron, Inc."),
    ],
)
def test_spellings_of_one_company_have_one_key(one: str, other: str) -> None:
    assert entity_key(one) == entity_key(other)
    assert same_entity(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("North Valley Clinic", "South Valley Clinic"),
        ("Restaurant Sin Du", "Restaurant Sin Ho"),
        ("City of Ashford", "City of Oakford"),
        ("Alpha Trading Sdn Bhd", "Delta Trading Sdn Bhd"),
        ("First National Bank", "First Regional Bank"),
        ("AB&C", "ABD"),
        ("School District 112", "School District 12"),
        ("School District 112", "District 12"),
        ("School District 112", "School District"),
        ("School District 1", "School District 2"),
        ("Warehouse12 Trading", "Warehouse13 Trading"),
    ],
)
def test_two_companies_stay_two(one: str, other: str) -> None:
    assert entity_key(one) != entity_key(other)
    assert not same_entity(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Heron Hill Stationery & Books", "Heron Hill Stationery & Bobks"),
        ("Lanternfish Bank", "Lanternflsh Bamk"),
    ],
)
def test_a_misread_letter_is_still_the_same_company(one: str, other: str) -> None:
    assert same_entity(one, other)


@given(st.text(max_size=80))
def test_a_key_is_of_letters_and_digits_and_stable(name: str) -> None:
    key = entity_key(name)
    assert key == "".join(character for character in key if character.isalnum())
    assert entity_key(name.upper()) == entity_key(name.upper().lower())
    assert same_entity(name, name) is bool(key)


def test_a_name_that_is_only_a_legal_form_keeps_a_key() -> None:
    assert entity_key("Co.")
    assert entity_key("") == ""


@pytest.mark.parametrize(
    ("printed", "key"),
    [
        ("4471-0092-3", "447100923"),
        ("4471 O092 3", "447100923"),
        ("POL-88 1207", "P01881207"),
        ("12-3", ""),
        ("**** 4471", ""),
        ("XXXX-XXXX-4471", ""),
        ("household", ""),
        ("", ""),
    ],
)
def test_an_account_has_one_key_and_what_identifies_nothing_has_none(printed: str, key: str) -> None:
    assert account_key(printed) == key


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("GREEN LANE PHARMACY SDN BHDI", "GREEN LANE PHARMACY SDN BHD"),
        ("HERON MART 5DN BHD", "HERON MART SDN BHD"),
        ("HERON MART SON BND", "HERON MART SDN BHD"),
        ("Heron Marketing 5dn Bhd", "Heron Marketing Sdn Bhd"),
        ("HERON MART SDN BHDX", "HERON MART SDN BHDX"),
    ],
)
def test_a_misread_legal_form_is_put_right(read: str, name: str) -> None:
    assert clean_name(read) == name
