//! The published description of the interface, by OpenAPI 3.1: made from the table of operations and from the types that
//! are really read and written.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::answers;
use super::operation::{Answer, Effect, Operation, Verb};
use super::operations::OPERATIONS;
use super::problem::{Details, MEDIA_TYPE};
use super::service::ROOT;

/// Where the description keeps its types.
const TYPES: &str = "#/components/schemas/";

/// The description.
#[must_use]
pub fn document() -> Value {
    let settings = |settings: SchemaSettings| {
        settings.with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    // What is read and what is written differ: a field with a default may be left out by who sends it, and is always
    // there in what is answered.
    let mut read = SchemaGenerator::new(settings(SchemaSettings::draft2020_12().for_deserialize()));
    let mut written = SchemaGenerator::new(settings(SchemaSettings::draft2020_12().for_serialize()));
    let problem = written.subschema_for::<Details>();
    // Of the events every one has this form as its data.
    let _ = written.subschema_for::<crate::domain::event::Event>();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let described = described(operation, &mut read, &mut written);
        let path = paths
            .entry(format!("{ROOT}{}", operation.path))
            .or_insert_with(|| json!({}));
        path[verb(operation.verb)] = described;
    }
    let mut schemas = written.take_definitions(true);
    for (name, schema) in read.take_definitions(true) {
        // A type that is both read and written has to be described in one way.
        schemas.entry(name).or_insert(schema);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lifeboat",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Backs up and recovers the Live environment of a Magnolia CMS",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token that `lifeboat token create` has made. Its role says what it may do.",
            } },
            "responses": { "Problem": {
                "description": "It was not done; the problem says why and what to do.",
                "headers": { "x-request-id": request_id() },
                "content": { MEDIA_TYPE: { "schema": problem } },
            } },
            "schemas": schemas,
        },
    })
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Put => "put",
        Verb::Delete => "delete",
    }
}

fn described(operation: &Operation, read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Value {
    let mut value = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Needs the role {}.", operation.role),
        "x-role": operation.role.label(),
        "parameters": parameters(operation, read),
        "responses": responses(operation, written),
    });
    if let Some(body) = operation.body {
        value["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": body(read) } },
        });
    }
    value
}

fn parameters(operation: &Operation, read: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": in_path(name) }))
        .collect();
    if let Some(query) = operation.query {
        parameters.extend(in_query(&query(read), read));
    }
    if operation.effect == Effect::Starts {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "A random text, the same one when the same request is sent again: nothing is started twice.",
            "schema": { "type": "string", "pattern": answers::PATTERN },
        }));
    }
    if matches!(operation.answer, Answer::Events) {
        parameters.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The id of the last event that was received: the stream goes on after it.",
            "schema": { "type": "string" },
        }));
    }
    parameters
}

fn document_schema(media_type: &str) -> Value {
    if media_type.ends_with("tar") {
        json!({ "type": "string", "format": "binary" })
    } else {
        json!({ "type": "string" })
    }
}

fn in_path(name: &str) -> Value {
    match name {
        "id" => json!({ "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64 }),
        "backup" => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
        "hold" => json!({ "type": "string", "enum": ["maintenance", "protection"] }),
        _ => json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" }),
    }
}

/// The fields of a type as parameters of a query.
fn in_query(schema: &Schema, read: &mut SchemaGenerator) -> Vec<Value> {
    let name = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let Some(definition) = read.definitions_mut().remove(name.trim_start_matches(TYPES)) else {
        return Vec::new();
    };
    let required: Vec<&str> = definition
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = definition.get("properties").and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            let description = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            // What is left out of a query is left out; there is no null in one.
            if let Some(choices) = schema.get("anyOf").and_then(Value::as_array)
                && let Some(choice) = choices.first()
            {
                schema = choice.clone();
            }
            json!({
                "name": name,
                "in": "query",
                "required": required.contains(&name.as_str()),
                "description": description.unwrap_or_default(),
                "schema": schema,
            })
        })
        .collect()
}

fn request_id() -> Value {
    json!({
        "description": "The id of the request, as it stands in the service's log and in the activity log.",
        "schema": { "type": "string" },
    })
}

fn responses(operation: &Operation, written: &mut SchemaGenerator) -> Value {
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let mut responses = Map::new();
    let mut headers = json!({ "x-request-id": request_id() });
    let (status, content, description) = match operation.answer {
        Answer::Nothing => ("204".to_owned(), None, "It is done."),
        Answer::Json(status, describe) => (
            status.as_str().to_owned(),
            Some(json!({ "application/json": { "schema": describe(written) } })),
            match operation.effect {
                Effect::Starts => "The job is started.",
                Effect::None | Effect::Changes => "The answer.",
            },
        ),
        Answer::Events => (
            "200".to_owned(),
            Some(json!({ "text/event-stream": { "schema": { "type": "string" } } })),
            "A stream of server-sent events: job, environment, notification and missed, each with an id and an Event as \
             its data. After missed, everything has to be asked for again.",
        ),
        Answer::Document(media_type) => (
            "200".to_owned(),
            Some(json!({ media_type: { "schema": document_schema(media_type) } })),
            "The document. Where it cannot be written to its end, the connection breaks off before it.",
        ),
    };
    if operation.effect == Effect::Starts {
        headers["location"] = json!({
            "description": "Where the job is found.",
            "schema": { "type": "string" },
        });
    }
    let mut answer = json!({ "description": description, "headers": headers });
    if let Some(content) = content {
        answer["content"] = content;
    }
    responses.insert(status, answer);
    let mut statuses = vec!["400", "401", "403", "404", "429", "503"];
    if operation.effect != Effect::None || operation.body.is_some() {
        statuses.push("409");
    }
    if operation.body.is_some() {
        statuses.extend(["408", "413", "415"]);
    }
    if operation.effect == Effect::Starts {
        statuses.push("422");
    }
    for status in statuses {
        responses.insert(status.to_owned(), problem.clone());
    }
    responses.insert("default".to_owned(), problem);
    Value::Object(responses)
}
