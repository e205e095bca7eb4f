//! `lifeboat find ENV TEXT`: where something is, by name, path, id or text, in one source or in all backups.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::looking::Waiting;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{By, Find, FindRequest, Finds, MOST_LINES, NodePath, Source};
use crate::domain::measure;

/// What `lifeboat find --help` says first.
pub const LONG_ABOUT: &str = "\
Finds nodes by a part of their name (or path, or a text in a property), or by their id, in one backup, in Live, \
or in all backups that stand. Upper and lower case are the same. The first look at a workspace reads all of it \
once; a search for a text reads it each time. Ctrl-C cancels. Ends with exit code 1 when nothing is found, or when not \
everything could be searched, which is then said on standard error. Files of pages that cannot be read are counted \
there as well, and change no exit code.";

/// So many of the places that could not be searched are told one by one.
const REMARKS: usize = 5;

/// What `lifeboat find` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FindArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// What to look for
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// What to look for it in
    #[arg(long, value_enum, default_value_t = What::Name)]
    pub by: What,
    /// Only there: "live" or a backup; in all backups without it
    #[arg(long = "in", value_name = "SOURCE")]
    pub source: Option<Source>,
    /// The path.
    #[arg(
        long,
        value_name = "PATH",
        help = "Only in this instance, workspace or node: INSTANCE:/WORKSPACE/NODE/…"
    )]
    pub below: Option<NodePath>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_LINES)))]
    pub limit: u32,
}

/// What something is looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A part of the name
    Name,
    /// A part of the path below the workspace
    Path,
    /// The whole id
    Id,
    /// A part of a text in a property
    Text,
}

impl From<What> for By {
    fn from(what: What) -> Self {
        match what {
            What::Name => Self::Name,
            What::Path => Self::Path,
            What::Id => Self::Id,
            What::Text => Self::Text,
        }
    }
}

pub(super) async fn run(arguments: FindArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let request = FindRequest {
        environment: arguments.environment,
        source: arguments.source,
        by: arguments.by.into(),
        text: arguments.text,
        below: arguments.below.unwrap_or_default(),
        from: 0,
        limit: arguments.limit,
    };
    let mut waiting = Waiting::default();
    let finds = loop {
        let finds = backend.find(request.clone()).await;
        let finds = match finds {
            Ok(finds) => finds,
            Err(error) => {
                waiting.clear(call)?;
                return Err(error.into());
            }
        };
        // What else there is need not be found: nobody asks again, which ends the search.
        if finds.is_over || finds.total >= u64::from(request.limit) {
            break finds;
        }
        waiting.show(finds.reading.as_ref(), call).await?;
    };
    waiting.clear(call)?;
    let missed = finds.remarks.len() as u64;
    if missed > 0 {
        // Before the finds: whoever reads them is to know that there may be others.
        call.remark(&format!(
            "Not everything could be searched. What is missing, {} in all:",
            measure::count(missed)
        ))?;
        for remark in finds.remarks.iter().take(REMARKS) {
            call.remark(&format!("  {remark}"))?;
        }
        if finds.remarks.len() > REMARKS {
            call.remark("  … and so on; --json has all of them")?;
        }
    }
    if let Some(not_read) = &finds.not_read {
        call.remark(&format!("{}.", not_read.in_words()))?;
    }
    if call.globals.json {
        call.json(&json!({ "found": finds }))?;
    } else if call.globals.plain {
        say(&finds, &request.text, call)?;
    } else {
        print(&finds, call)?;
    }
    if missed > 0 {
        return Err(CliError::failed(format!(
            "the search for \"{}\" is not whole: {} found, and not everything could be searched",
            request.text,
            measure::count(finds.total)
        )));
    }
    if finds.finds.is_empty() {
        return Err(CliError::failed(format!(
            "nothing was found of \"{}\"",
            request.text
        )));
    }
    Ok(())
}

fn print(finds: &Finds, call: &mut Call<'_>) -> Result<(), CliError> {
    if !finds.finds.is_empty() {
        let mut table = Table::new(&[("in", Side::Left), ("type", Side::Left), ("where", Side::Left)]);
        for find in &finds.finds {
            table.row([find.seen.source.short().to_owned(), what(find), place(find)]);
        }
        call.table(&table)?;
    }
    let shown = finds.finds.len() as u64;
    if finds.is_cut || shown < finds.total || (!finds.is_over && shown > 0) {
        call.say(&format!(
            "The first {}; there may be more.",
            measure::count(shown)
        ))?;
    }
    Ok(())
}

/// Says what was found for whoever hears it: a short line for each place however many backups have it, what is meant most likely first,
/// and how much it is at the end.
fn say(finds: &Finds, text: &str, call: &mut Call<'_>) -> Result<(), CliError> {
    let heard = heard(&finds.finds, text);
    for line in &heard {
        call.tell(line)?;
    }
    if heard.is_empty() {
        return Ok(());
    }
    let shown = finds.finds.len() as u64;
    let rest = if finds.is_cut || shown < finds.total || !finds.is_over {
        "; there may be more"
    } else {
        ""
    };
    let places = match heard.len() {
        1 => "1 place".to_owned(),
        many => format!("{} places", measure::count(many as u64)),
    };
    call.say(&format!("{places}{rest}."))
}

/// A line for each place.
fn heard(finds: &[Find], text: &str) -> Vec<String> {
    let mut places: Vec<(&Find, u64)> = Vec::new();
    for find in finds {
        // The newest source stands first, and is the one that is named.
        let is_same = |known: &Find| known.path == find.path && known.property == find.property;
        match places.iter_mut().find(|(known, _)| is_same(known)) {
            Some((_, others)) => *others += 1,
            None => places.push((find, 0)),
        }
    }
    let text = text.to_lowercase();
    places.sort_by_key(|(find, _)| (fits(find, &text), !is_page(find), find.path.steps.len()));
    let line = |(find, others): &(&Find, u64)| {
        let others = match others {
            0 => String::new(),
            1 => " and 1 more".to_owned(),
            many => format!(" and {} more", measure::count(*many)),
        };
        format!(
            "{}, {}, in {}{others}",
            place(find),
            what(find),
            find.seen.source.short()
        )
    };
    places.iter().map(line).collect()
}

/// Whether it is a page, which is what most people look for.
fn is_page(find: &Find) -> bool {
    find.primary_type.as_deref() == Some("mgnl:page")
}

/// How well a find fits what was looked for by its name, the best first: all of it, its beginning, a part.
fn fits(find: &Find, text: &str) -> u8 {
    let name = find.path.steps.last().map(|step| step.name.to_lowercase());
    match name {
        Some(name) if name == text => 0,
        Some(name) if name.starts_with(text) => 1,
        _ => 2,
    }
}

fn what(find: &Find) -> String {
    match &find.primary_type {
        Some(primary_type) => primary_type.clone(),
        None => find.kind.label().to_owned(),
    }
}

fn place(find: &Find) -> String {
    match (&find.property, &find.excerpt) {
        (Some(property), Some(excerpt)) => format!("{}  {property}: {excerpt}", find.path),
        _ => find.path.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::explore::{Kind, SourceAt};

    #[test]
    fn a_place_is_said_once_and_the_best_one_first() {
        let find = |source: &str, path: &str| Find {
            seen: SourceAt {
                source: source.parse().unwrap(),
                at: "2026-11-23T04:02:00Z".parse().unwrap(),
            },
            path: path.parse().unwrap(),
            kind: Kind::Node,
            id: None,
            primary_type: Some("mgnl:page".to_owned()),
            property: None,
            excerpt: None,
        };
        let finds = [
            find("a1234567", "author:/website/old-news"),
            find("a1234567", "author:/website/home/press/news"),
            find("a1234567", "author:/website/newsletter"),
            find("a1234567", "author:/website/home/news"),
            find("b1234567", "author:/website/home/news"),
            find("c1234567", "author:/website/home/news"),
            Find {
                primary_type: None,
                kind: Kind::Folder,
                ..find("c1234567", "author:/website/news")
            },
        ];
        assert_eq!(
            heard(&finds, "News"),
            [
                "author:/website/home/news, mgnl:page, in a1234567 and 2 more",
                "author:/website/home/press/news, mgnl:page, in a1234567",
                "author:/website/news, folder, in c1234567",
                "author:/website/newsletter, mgnl:page, in a1234567",
                "author:/website/old-news, mgnl:page, in a1234567",
            ]
        );
    }
}
