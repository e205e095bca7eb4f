//! Makes a tree of files as a CMS has them: many small ones, few big ones, the same ones every time.

use std::fs;
use std::path::Path;

use crate::noise::{Noise, binary};

/// Makes `count` files of about `bytes` in all below `root`, unless they are there already. Every other one is text.
pub fn make(root: &Path, bytes: u64, count: u64) {
    let done = root.join("website/done");
    if done.exists() {
        return;
    }
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let raw: Vec<u64> = (0..count).map(|_| raw_size(&mut noise)).collect();
    let sum: u64 = raw.iter().sum();
    for (number, raw) in (0..count).zip(raw) {
        let size = usize::try_from(u128::from(raw) * u128::from(bytes) / u128::from(sum)).unwrap();
        let is_text = number % 2 == 0;
        let (workspace, ending) = if is_text {
            ("website", "xml")
        } else {
            ("dam", "jpg")
        };
        let folder = root
            .join(workspace)
            .join(format!("{:02}/{:03}", number % 40, number / 160));
        fs::create_dir_all(&folder).unwrap();
        let content = if is_text {
            text(&mut noise, size)
        } else {
            binary(&mut noise, size)
        };
        fs::write(folder.join(format!("{number:06}.{ending}")), content).unwrap();
    }
    fs::write(done, "").unwrap();
}

/// Most files are small, and most bytes are in big ones.
fn raw_size(noise: &mut Noise) -> u64 {
    match noise.below(1000) {
        0..600 => 200 + noise.below(8_000),
        600..900 => 8_000 + noise.below(56_000),
        900..995 => 64_000 + noise.below(340_000),
        _ => 1_000_000 + noise.below(7_000_000),
    }
}

/// Text as an export of a site has it: to be compressed to less than half.
fn text(noise: &mut Noise, size: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "<sv:property ",
        "sv:name=",
        "\"jcr:primaryType\" ",
        "sv:type=\"Name\">",
        "<sv:value>",
        "mgnl:page",
        "</sv:value>",
        "</sv:property>\n",
        "title ",
        "Lorem ",
        "ipsum ",
        "dolor ",
        "sit ",
        "amet, ",
        "2026-11-23T",
        "page/",
    ];
    let mut text = String::with_capacity(size + 64);
    while text.len() < size {
        text += WORDS[usize::try_from(noise.below(16)).unwrap()];
        if noise.below(4) == 0 {
            text += &noise.below(1_000_000).to_string();
        }
    }
    text.truncate(size);
    text.into_bytes()
}
