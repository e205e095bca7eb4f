//! How names and times that are written as text look in the description of the service's interface.
//!
//! Everything else describes itself by its derive. Not in here: the description itself (`server::document`).

use std::borrow::Cow;

use chrono::Weekday;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::environment::{EnvironmentName, InstanceName, NodeName};
use super::explore::{NodePath, Source};
use super::limit::TimeLimit;
use super::principal::Principal;
use super::schedule::{Window, weekday_label};
use super::target::Target;

impl JsonSchema for EnvironmentName {
    fn schema_name() -> Cow<'static, str> {
        "EnvironmentName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The name of one environment, PROJECT/ENVIRONMENT.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}/[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        })
    }
}

impl JsonSchema for NodeName {
    fn schema_name() -> Cow<'static, str> {
        "NodeName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The name of one of the nodes that share an instance's content.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        })
    }
}

impl JsonSchema for InstanceName {
    fn schema_name() -> Cow<'static, str> {
        "InstanceName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The name of an instance inside its environment.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        })
    }
}

impl JsonSchema for Source {
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Where it is looked: live, or a backup's id. Where it is asked for also a unique beginning of an id, \
                            or a slot's name.",
            "minLength": 1,
            "maxLength": 64,
            "pattern": "^[A-Za-z0-9]+$",
        })
    }
}

impl JsonSchema for NodePath {
    fn schema_name() -> Cow<'static, str> {
        "NodePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Where a node is, INSTANCE:/WORKSPACE/NODE/…; what would be read as something else is written as \
                            a percent sign and two digits for each byte.",
            "maxLength": 8_192,
            "pattern": "^([A-Za-z0-9][A-Za-z0-9._-]{0,62}:?|([A-Za-z0-9][A-Za-z0-9._-]{0,62}:)?/[^\\u0000-\\u001f\\u007f-\\u009f]*)$",
        })
    }
}

impl JsonSchema for Principal {
    fn schema_name() -> Cow<'static, str> {
        "Principal".into()
    }

    /// One word, which each place where it stands describes.
    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl JsonSchema for TimeLimit {
    fn schema_name() -> Cow<'static, str> {
        "TimeLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A time: a number and s, m or h.",
            "pattern": "^[0-9]+[smh]$",
        })
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "What is to be kept: a number and m, h or d.",
            "pattern": "^[0-9]+[mhd]$",
        })
    }
}

impl JsonSchema for Window {
    fn schema_name() -> Cow<'static, str> {
        "Window".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The part of the UTC day in which automatic backups begin. Its end does not belong to it.",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        })
    }
}

/// A weekday by its full name.
pub(super) fn weekday(_: &mut SchemaGenerator) -> Schema {
    let days = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];
    json_schema!({ "type": "string", "enum": days.map(weekday_label) })
}
