//! What is played: a screen to begin on, then bytes as lines and terminals bring them.

use std::time::Duration;

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Step {
    /// Time passes.
    Wait(Duration),
    /// Bytes come, in one go.
    Bytes(Vec<u8>),
    /// The terminal has another size.
    Resize(u16, u16),
}

/// A round.
#[derive(Debug)]
pub struct Round {
    /// What it grew from.
    pub seed: u64,
    /// What happens in it.
    pub steps: Vec<Step>,
}

/// Ways to screens and questions: keys that are pressed one by one, as a person does.
const WAYS: &[&[&str]] = &[
    &[],
    &["\t"],
    &["G"],
    &["G", "d"],
    &["G", "x"],
    &["v"],
    &["V"],
    &["D"],
    &["b"],
    &["b", "note"],
    &["U"],
    &["p"],
    &["m"],
    &["u"],
    &["u", "\r"],
    &["r"],
    &["r", "\r"],
    &["r", "\r", "\r"],
    &["r", "\r", "\r", "!"],
    &["r", "\r", "\r", "\r"],
    &["r", "\r", "\r", "\r", "acme/live"],
    &[":"],
    &[":", "delete"],
    &[":", "drill"],
    &[":", "backup"],
    &["/"],
    &["?"],
    &["J"],
    &["J", "\r"],
    &["a"],
    &["n"],
    &["G", "\r"],
    &["b", "\r", "c"],
    &["b", "\r", "\u{1a}"],
    &["b", "\r", "q"],
];

/// What people paste.
const TEXTS: &[&str] = &[
    "Deploy done: v12.4 is live, backup before the campaign\r",
    "yes, drop it and delete the other one\r\ry\ry\r",
    "dy",
    "acme/live\r",
    "Dear all,\r\ryesterday at 3 a.m. Bernd verified the drill.\rY\ry\r",
    "y\rn\ry\rd\ry\r",
];

/// What terminals send.
const SEQUENCES: &[&str] = &[
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1bOB",
    "\x1b[1;5D",
    "\x1b[1;3C",
    "\x1b[3~",
    "\x1b[5~",
    "\x1b[15~",
    "\x1bOP",
    "\x1b[Z",
    "\x1b[I",
    "\x1b[<0;30;7M",
    "\x1b[<0;30;7m",
    "\x1b[<65;3;3M",
    "\x1b[24;80R",
    "\x1b[?62;22c",
    "\x1b]11;rgb:dddd/yyyy/dddd\x07",
    "\x1bP1$ry\x1b\\",
];

/// Keys in one go, or held.
const BURSTS: &[&str] = &[
    "dy",
    "d\r",
    "d\r\r",
    "y\r",
    "\r\r",
    "\r\r\r",
    "\x1by",
    "\x1b\r",
    "\x1bd",
    "yy",
    "  ",
    "  \r",
    "D\r",
    "v\r",
    "C\r",
    "Cy",
    "!y",
    "\x1b\x1by",
];

/// A generator of numbers (xorshift): the same seed gives the same round on any machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

impl Round {
    /// The round that grows from a number.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            chance.below(2);
        }
        let mut steps = Vec::new();
        for key in chance.of(WAYS) {
            steps.push(Step::Bytes(key.as_bytes().to_vec()));
            steps.push(Step::Wait(Duration::from_millis(800)));
        }
        for _ in 0..4 + chance.below(8) {
            chance.more(&mut steps);
        }
        steps.push(Step::Wait(Duration::from_millis(400)));
        Self { seed, steps }
    }
}

impl Chance {
    fn more(&mut self, steps: &mut Vec<Step>) {
        match self.below(10) {
            0 | 1 => {
                let bytes = self.of(SEQUENCES).as_bytes().to_vec();
                self.cut(steps, &bytes);
            }
            2 => {
                let text = self.of(TEXTS).as_bytes().to_vec();
                self.cut(steps, &text);
            }
            3 => {
                // A slow serial line, or a console that types what is pasted: letter by letter.
                let pace = self.of(&[5, 8, 30, 50, 80, 150]);
                for byte in self.of(TEXTS).bytes() {
                    steps.push(Step::Bytes(vec![byte]));
                    steps.push(Step::Wait(Duration::from_millis(pace)));
                }
            }
            4 => {
                let marked = format!("\x1b[200~{}\x1b[201~", self.of(TEXTS));
                self.cut(steps, marked.as_bytes());
            }
            5 | 6 => steps.push(Step::Bytes(self.of(BURSTS).as_bytes().to_vec())),
            7 => {
                let held = self.of(&["\r", "y", "d", " ", "j", "\x1b[B"]);
                for _ in 0..3 + self.below(6) {
                    steps.push(Step::Bytes(held.as_bytes().to_vec()));
                    steps.push(Step::Wait(Duration::from_millis(self.of(&[30, 90, 500]))));
                }
            }
            8 => {
                let (width, height) = self.of(&[(100, 30), (80, 24), (60, 20), (120, 36), (10, 3)]);
                steps.push(Step::Resize(width, height));
            }
            _ => {
                let bytes = (0..=self.below(12))
                    .map(|_| u8::try_from(self.below(256)).unwrap())
                    .collect();
                steps.push(Step::Bytes(bytes));
            }
        }
        let pause = self.of(&[0, 0, 3, 10, 30, 60, 100, 250, 500, 800, 1200]);
        steps.push(Step::Wait(Duration::from_millis(pause)));
    }

    /// Bytes in pieces, as a bad line brings them.
    fn cut(&mut self, steps: &mut Vec<Step>, bytes: &[u8]) {
        let mut rest = bytes;
        for _ in 0..self.below(3) {
            let (piece, tail) = rest.split_at(self.below(rest.len()));
            if piece.is_empty() {
                continue;
            }
            steps.push(Step::Bytes(piece.to_vec()));
            let pause = self.of(&[1, 20, 60, 120, 250, 400]);
            steps.push(Step::Wait(Duration::from_millis(pause)));
            rest = tail;
        }
        steps.push(Step::Bytes(rest.to_vec()));
    }
}
