//! `lifeboat man`: the whole manual on one page, made from the same texts as `--help`.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;
use serde_json::json;

use crate::cli::{Arguments, Call, CliError};

pub(super) fn run(call: &mut Call<'_>) -> Result<(), CliError> {
    let page = page()?;
    if call.globals.json {
        return call.json(&json!({ "man": page }));
    }
    call.outside.out.write_all(page.as_bytes())?;
    Ok(())
}

/// The page, for `man`. Each verb has a section of its own, with what is a page's sections elsewhere below it.
fn page() -> io::Result<String> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone()).manual("Lifeboat");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    man.render_extra_section(&mut page)?;
    // The notes come laid out in lines and columns, which filling would run together.
    let mut page = String::from_utf8_lossy(&page).replace(".SH EXTRA\n", ".SH NOTES\n.nf\n");
    page.push_str(".fi\n");
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let mut section = Vec::new();
        let man = Man::new(verb.clone());
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        man.render_extra_section(&mut section)?;
        page.extend([".SH ", &verb.get_name().to_uppercase(), "\n"]);
        page.push_str(&String::from_utf8_lossy(&section).replace("\n.SH ", "\n.SS "));
    }
    Ok(page)
}
