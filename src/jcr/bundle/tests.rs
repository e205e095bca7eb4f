//! The form of bundles, against what Jackrabbit wrote, and against any bytes.

use std::borrow::Cow;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::namespaces::{JCR, NT, REP};
use super::super::{Binary, Child, Name, Node, Property, PropertyType, Value};
use super::{BorrowedBinary, BundleError, NOBODY, date, names, outline, read, write};

fn name(namespace: &str, local: &str) -> Name {
    Name {
        namespace: Cow::Owned(namespace.to_owned()),
        local: Cow::Owned(local.to_owned()),
    }
}

fn bare() -> Node {
    Node {
        id: [1; 16],
        parent: None,
        primary_type: name(NT, "unstructured"),
        mixin_types: Vec::new(),
        properties: Vec::new(),
        children: Vec::new(),
        shared_set: Vec::new(),
        is_referenceable: false,
        modified_count: 0,
    }
}

fn single(local: &str, value: Value) -> Property {
    Property {
        name: name("", local),
        kind: value.kind(),
        is_multiple: false,
        values: vec![value],
        modified_count: 0,
    }
}

#[test]
fn common_names_have_jackrabbits_numbers() {
    for (number, namespace, local) in [
        (0, NT, "unstructured"),
        (17, REP, "root"),
        (29, JCR, "versionManagement"),
        (55, JCR, "predecessors"),
        (58, JCR, "versionHistory"),
        (62, JCR, "baseVersion"),
        (92, REP, "versionStorage"),
        (125, JCR, "statement"),
    ] {
        let common = names::common(number).unwrap();
        assert_eq!((common.namespace, common.local), (namespace, local));
        assert_eq!(names::number_of(&name(namespace, local)), Some(number));
    }
    assert_eq!(names::common(126), None);
    assert_eq!(names::number_of(&name("", "unstructured")), None);
}

#[test]
fn a_bundle_is_read_and_written_byte_for_byte() {
    let mut bytes = vec![3, 0];
    bytes.extend(NOBODY);
    // Saved 200 times; a mixin, seven properties or more, three children or more, shared, referenceable.
    bytes.extend([0xc8, 0x01, 0b1111_1111]);
    // One mixin more than one, seven properties more than seven.
    bytes.extend([0, 5, 1]);
    bytes.extend([58, 9, 0]);
    bytes.extend([1; 16]);
    bytes.extend([55, 9 | 3 << 4, 0]);
    bytes.extend([2; 16]);
    bytes.extend([3; 16]);
    bytes.extend([0x80 | 4]);
    bytes.extend(b"title\x01\x00\x05hello");
    // The first namespace is written once, and then known.
    bytes.extend([0x80 | 1 << 4 | 1, 6]);
    bytes.extend(b"urn:aab1");
    bytes.extend([3, 0, 0x07]);
    bytes.extend([0x80 | 1 << 4 | 1]);
    bytes.extend(b"b2");
    bytes.extend([2, 0, 0, 0, 0, 2, 0xff, 0xfe]);
    bytes.extend([0x80 | 1 << 4 | 1]);
    bytes.extend(b"b3");
    bytes.extend([2 | 3 << 4, 0, 0xff, 0xff, 0xff, 0xfe, 14]);
    bytes.extend(b"dataStore:abcd");
    bytes.extend([0xff, 0xff, 0xff, 0xff, 3]);
    bytes.extend(b"x/0");
    bytes.extend([0x80 | 1 << 4 | 1]);
    bytes.extend(b"b4");
    // No values, of a known type; saved so often that it became negative.
    bytes.extend([6 | 1 << 4, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    bytes.extend([0x80 | 15, 1]);
    bytes.extend(b"seventeen letters\x0c\x00\x01\x041.50");
    // Four children, of which two have the same name.
    bytes.push(1);
    for (byte, id) in [(10, 7), (10, 8), (16, 9), (2, 10)] {
        bytes.push(byte);
        bytes.extend([id; 16]);
    }
    bytes.push(0);
    bytes.extend([4; 16]);
    let node = read([9; 16], &bytes).unwrap();
    assert_eq!(node.parent, None);
    assert_eq!(node.modified_count, 200);
    assert!(node.is_referenceable);
    assert_eq!(
        node.mixin_types,
        [name("http://www.jcp.org/jcr/mix/1.0", "referenceable")]
    );
    assert_eq!(node.properties.len(), 8);
    assert_eq!(node.properties[3].name, name("urn:aa", "b1"));
    assert_eq!(node.properties[3].values, [Value::Long(-4)]);
    assert_eq!(
        node.properties[5].values,
        [
            Value::Binary(Binary::Record("abcd".to_owned())),
            Value::Binary(Binary::Beside("x/0".to_owned()))
        ]
    );
    assert_eq!(node.properties[6].kind, PropertyType::Boolean);
    assert!(node.properties[6].is_multiple && node.properties[6].values.is_empty());
    assert_eq!(node.properties[6].modified_count, u16::MAX);
    assert_eq!(
        node.properties[7].values,
        [Value::Decimal(Some("1.50".to_owned()))]
    );
    assert_eq!(node.children.len(), 4);
    assert_eq!(node.shared_set, [[4; 16]]);
    assert_eq!(write(&node).unwrap(), bytes);

    let outlined = outline(&bytes).unwrap();
    let targets: Vec<_> = outlined
        .references
        .iter()
        .map(|reference| reference.target)
        .collect();
    assert_eq!(targets, [[1; 16], [2; 16], [3; 16]]);
    assert_eq!(
        outlined.binaries,
        [BorrowedBinary::Record("abcd"), BorrowedBinary::Beside("x/0")]
    );
    for cut in 0..bytes.len() {
        assert!(read([9; 16], &bytes[..cut]).is_err(), "{cut}");
        assert!(outline(&bytes[..cut]).is_err(), "{cut}");
    }
    bytes.push(0);
    assert_eq!(read([9; 16], &bytes), Err(BundleError::TooLong(1)));
}

#[test]
fn other_forms_are_refused_by_their_number() {
    assert_eq!(read([0; 16], &[]), Err(BundleError::Empty));
    assert_eq!(read([0; 16], &[2, 0, 0]), Err(BundleError::Older(2)));
    assert_eq!(outline(&[4, 0, 0]), Err(BundleError::Unknown(4)));
}

#[test]
fn lengths_that_are_only_claimed_make_no_room() {
    // Two thousand million children, and none is there.
    let mut bytes = vec![3, 0];
    bytes.extend(NOBODY);
    bytes.extend([0, 3 << 2, 0xff, 0xff, 0xff, 0xff, 0x06]);
    assert_eq!(read([0; 16], &bytes), Err(BundleError::CutShort));
    assert_eq!(outline(&bytes), Err(BundleError::CutShort));
    // As many values.
    bytes.truncate(18);
    bytes.extend([0, 1 << 4, 13, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x06, 0]);
    assert_eq!(read([0; 16], &bytes), Err(BundleError::CutShort));
    assert_eq!(outline(&bytes), Err(BundleError::CutShort));
}

#[test]
fn what_cannot_be_read_again_is_not_written() {
    let with = |property| Node {
        properties: vec![property],
        ..bare()
    };
    assert_eq!(
        write(&with(single("", Value::Long(1)))),
        Err(BundleError::EmptyName)
    );
    let mut wrong = single("a", Value::Long(1));
    wrong.kind = PropertyType::String;
    assert_eq!(write(&with(wrong)), Err(BundleError::WrongValues("a".to_owned())));
    let mut none = single("a", Value::Long(1));
    none.values.clear();
    assert_eq!(
        write(&with(none.clone())),
        Err(BundleError::WrongValues("a".to_owned()))
    );
    none.is_multiple = true;
    assert!(write(&with(none)).is_ok());
    for text in [
        "yesterday",
        "2026-11-29",
        "2026-02-29T00:00:00.000Z",
        "1582-10-10T00:00:00.000Z",
        "2026-11-29T24:00:00.000Z",
        "2026-11-29T00:00:00.000+17:59",
        "2026-11-29T00:00:00.000+17:00",
        "20260-11-29T00:00:00.000Z",
        "2026-11-29T00:00:00.000é",
    ] {
        let wrong = with(single("a", Value::Date(text.to_owned())));
        assert_eq!(write(&wrong), Err(BundleError::NoDate(text.to_owned())));
    }
}

#[test]
fn dates_are_as_short_as_jackrabbits() {
    // Worked out from the description of the form in `BundleWriter`.
    let day = |year: i64, of_year: i64| (year - 2010) << 9 | of_year;
    let of_milliseconds = |hours: i64, minutes: i64, seconds: i64, rest: i64| {
        ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
    };
    let (ten, eleven, minus_eight) = (10, 11, 32 - 8);
    for (text, number) in [
        ("2010-01-01T00:00:00.000Z", day(2010, 1) << 3),
        (
            "2010-10-10T10:00:00.000Z",
            ((day(2010, 283) << 5 | ten) << 2 | 1) << 1,
        ),
        (
            "2010-10-10T10:10:00.000+11:00",
            (((day(2010, 283) << 11 | (ten * 60 + ten)) << 2 | 2) << 5 | eleven) << 2 | 1,
        ),
        (
            "2012-12-31T00:00:00.000-08:00",
            (day(2012, 366) << 2) << 7 | minus_eight << 2 | 1,
        ),
        (
            "1970-01-01T12:34:56.789-13:45",
            (((day(1970, 1) << 30 | of_milliseconds(12, 34, 56, 789)) << 2 | 3) << 11 | (2048 - 825)) << 2
                | 3,
        ),
        ("-9999-12-31T00:00:00.000Z", day(-9999, 365) << 3),
        ("0000-02-29T00:00:00.000Z", day(0, 60) << 3),
        ("1500-02-29T00:00:00.000Z", day(1500, 60) << 3),
        ("1582-10-04T00:00:00.000Z", day(1582, 277) << 3),
        ("1582-10-15T00:00:00.000Z", day(1582, 278) << 3),
        ("1600-02-29T00:00:00.000Z", day(1600, 60) << 3),
        ("9999-12-31T00:00:00.000Z", day(9999, 365) << 3),
    ] {
        assert_eq!(date::write(text), Some(number), "{text}");
        assert_eq!(date::read(number), text);
    }
    // Seconds have no room beside a year far off and a zone with minutes.
    let number = date::write("2600-01-01T01:02:03.004+00:30").unwrap();
    assert_eq!(date::read(number), "2600-01-01T01:02:00.000+00:30");
    // A day behind the year's last one is one of the next year, as in Java.
    assert_eq!(date::read(day(2011, 366) << 3), "2012-01-01T00:00:00.000Z");
}

fn any_name() -> impl Strategy<Value = Name> {
    let common = (0..126_u8).prop_map(|number| names::common(number).unwrap().to_name());
    let namespace = prop_oneof![
        Just(String::new()),
        (0..9).prop_map(|number| format!("urn:{number}")),
        Just(JCR.to_owned()),
        ".*",
    ];
    let written = (namespace, "(?s).{1,40}").prop_map(|(namespace, local)| name(&namespace, &local));
    prop_oneof![common, written]
}

fn any_date() -> impl Strategy<Value = Value> {
    let time = (0..86_400_000_i64).prop_flat_map(|time| {
        let minutes = time / 60_000 * 60_000;
        prop_oneof![Just(time), Just(minutes), Just(minutes / 60 * 60), Just(0)]
    });
    let zone = prop_oneof![
        Just(0),
        (-16..16_i64).prop_map(|hours| hours * 60),
        -1020..1020_i64
    ];
    let dates = (-9998..9999_i64, 1..=365_i64, time, zone).prop_map(|(year, day, time, zone)| {
        let has_room = (1498..=2521).contains(&year) || zone % 60 == 0;
        let time = if has_room { time } else { time / 60_000 * 60_000 };
        let text = date::read(((((year - 2010) << 9 | day) << 30 | time) << 2 | 3) << 1);
        let zone = match zone {
            0 => "Z".to_owned(),
            zone if zone < 0 => format!("-{:02}:{:02}", -zone / 60, -zone % 60),
            zone => format!("+{:02}:{:02}", zone / 60, zone % 60),
        };
        text.replace('Z', &zone)
    });
    // At the ends of the years and zones some can be read and not be written.
    let dates = dates.prop_filter("nobody can write it", |text| date::write(text).is_some());
    dates.prop_map(Value::Date)
}

fn any_value(kind: PropertyType) -> BoxedStrategy<Value> {
    let binary = prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(|bytes| Binary::Held(Bytes::from(bytes))),
        ".*".prop_map(Binary::Record),
        ".*".prop_map(Binary::Beside),
    ];
    match kind {
        PropertyType::Undefined => unreachable!("it has no values"),
        PropertyType::String => "(?s).*".prop_map(Value::String).boxed(),
        PropertyType::Binary => binary.prop_map(Value::Binary).boxed(),
        PropertyType::Long => prop_oneof![any::<i64>(), -200..200_i64]
            .prop_map(Value::Long)
            .boxed(),
        PropertyType::Double => any::<f64>().prop_map(Value::Double).boxed(),
        PropertyType::Date => any_date().boxed(),
        PropertyType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        PropertyType::Name => any_name().prop_map(Value::Name).boxed(),
        PropertyType::Path => "(?s).*".prop_map(Value::Path).boxed(),
        PropertyType::Reference => any::<[u8; 16]>().prop_map(Value::Reference).boxed(),
        PropertyType::WeakReference => any::<[u8; 16]>().prop_map(Value::WeakReference).boxed(),
        PropertyType::Uri => ".*".prop_map(Value::Uri).boxed(),
        PropertyType::Decimal => proptest::option::of(".*").prop_map(Value::Decimal).boxed(),
    }
}

fn any_property() -> impl Strategy<Value = Property> {
    let values = prop_oneof![
        Just((PropertyType::Undefined, true, Vec::new())),
        (1..13_u8).prop_flat_map(|number| {
            let kind = super::read::kind(number).unwrap();
            let single = vec(any_value(kind), 1).prop_map(move |values| (kind, false, values));
            let list = vec(any_value(kind), 0..20).prop_map(move |values| (kind, true, values));
            prop_oneof![single, list]
        }),
    ];
    (any_name(), values, any::<u16>()).prop_map(|(name, (kind, is_multiple, values), modified_count)| {
        Property {
            name,
            kind,
            is_multiple,
            values,
            modified_count,
        }
    })
}

pub(crate) fn any_node() -> impl Strategy<Value = Node> {
    let child = (any_name(), any::<[u8; 16]>()).prop_map(|(name, id)| Child { name, id });
    let parent = any::<Option<[u8; 16]>>().prop_map(|parent| parent.filter(|parent| *parent != NOBODY));
    (
        any::<[u8; 16]>(),
        parent,
        any_name(),
        vec(any_name(), 0..4),
        vec(any_property(), 0..12),
        vec(child, 0..12),
        vec(any::<[u8; 16]>(), 0..4),
        any::<bool>(),
        any::<u16>(),
    )
        .prop_map(
            |(
                id,
                parent,
                primary_type,
                mixin_types,
                properties,
                children,
                shared_set,
                is_referenceable,
                modified_count,
            )| {
                Node {
                    id,
                    parent,
                    primary_type,
                    mixin_types,
                    properties,
                    children,
                    shared_set,
                    is_referenceable,
                    modified_count,
                }
            },
        )
}

/// The start of a bundle that is right, so that what follows is looked at at all.
fn begun(bytes: &[u8]) -> Vec<u8> {
    let mut begun = vec![3, 0];
    begun.extend(NOBODY);
    begun.push(0);
    begun.extend(bytes);
    begun
}

proptest! {
    #[test]
    fn any_node_is_read_as_it_was_written(node in any_node()) {
        let bytes = write(&node).unwrap();
        let again = read(node.id, &bytes).unwrap();
        prop_assert_eq!(&again, &node);
        prop_assert_eq!(write(&again).unwrap(), bytes.clone());
        let outlined = outline(&bytes).unwrap();
        prop_assert_eq!(&outlined, &node.outline());
        let all: Vec<&Value> = node.properties.iter().flat_map(|property| &property.values).collect();
        let targets = all.iter().filter_map(|value| match value {
            Value::Reference(id) => Some((*id, false)),
            Value::WeakReference(id) => Some((*id, true)),
            _ => None,
        });
        let found = outlined.references.iter().map(|reference| (reference.target, reference.is_weak));
        prop_assert!(targets.eq(found));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        for bytes in [bytes.clone(), begun(&bytes)] {
            prop_assert_eq!(read([0; 16], &bytes).map(drop), outline(&bytes).map(drop));
            if let Ok(node) = read([0; 16], &bytes) {
                // A date of years that nobody can write is read all the same.
                drop(write(&node));
            }
        }
    }

    #[test]
    fn a_bundle_with_a_wrong_byte_is_read_or_refused(node in any_node(), at in any::<prop::sample::Index>(), wrong in any::<u8>()) {
        let mut bytes = write(&node).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = wrong;
        prop_assert_eq!(read([0; 16], &bytes).map(drop), outline(&bytes).map(drop));
    }

    #[test]
    fn any_number_is_a_date(number in any::<i64>()) {
        let text = date::read(number);
        if let Some(number) = date::write(&text) {
            prop_assert_eq!(date::read(number), text);
        }
    }
}
