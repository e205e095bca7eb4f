//! The loop: a message comes in, the model changes, effects start, and the frame is shown if it differs. Generic over
//! the display and the source of input, so that tests run the whole of it.
//!
//! Nothing is awaited here but the next message and three timers: one for the next change of an age or a countdown, one
//! for the next look at the configuration, and one that holds progress back so that it draws four times a second at most.

use std::sync::Arc;
use std::time::Duration;

use chrono::Timelike as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant as Tick;

use super::display::{Display, Shown};
use super::effects::{Effect, Effects, Timer};
use super::key::Input;
use super::message::Message;
use super::model::looks::LastView;
use super::model::{Connection, Model, OPENING};
use super::settings::{CockpitError, CockpitSettings, Contexts, Ended};
use super::terminal::in_loop;
use super::theme::{Background, Theme};
use super::{mask, update, view};
use crate::backend::Backend;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;

/// The least time between two draws that only show progress.
const CALM: Duration = Duration::from_millis(250);

/// The least time between two frames that are written whole because somebody asked for it.
const WHOLE: Duration = Duration::from_secs(1);

/// How many messages are taken in before a draw at most.
const AT_ONCE: usize = 10_000;

/// How a cockpit was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Its user is done.
    Quit,
    /// Its user wants to go on in another context.
    For(String),
}

/// What goes over from one cockpit on a display to the next.
#[derive(Debug, Default)]
pub struct Carried {
    /// What the terminal has said that it writes on.
    background: Option<Background>,
    /// The environment that the next one is to begin with.
    goes_to: Option<EnvironmentName>,
    /// Why the configuration cannot be used. It is told again only when its file has changed.
    wrong_configuration: Option<String>,
}

/// Runs a cockpit on a display until it is left, for another context or for good.
pub async fn run_among<D: Display>(
    display: &mut D,
    mut inputs: UnboundedReceiver<Input>,
    mut backend: Arc<dyn Backend>,
    mut settings: CockpitSettings,
    contexts: &mut dyn Contexts,
) -> Result<(), CockpitError> {
    let mut carried = Carried::default();
    loop {
        let left = run_on(
            display,
            &mut inputs,
            Arc::clone(&backend),
            settings.clone(),
            &mut carried,
        )
        .await?;
        let Left::For(name) = left else {
            return Ok(());
        };
        match contexts.change(&name).await {
            Ok(opened) => {
                (backend, settings) = opened;
                // It was read for that, and could be used.
                carried.wrong_configuration = None;
            }
            Err(why) => settings.notice = Some(why),
        }
    }
}

/// Runs a cockpit on a display until it is left. The input ends it too when its channel closes. `carried` is what
/// goes over from one cockpit on the display to the next.
pub async fn run_on<D: Display>(
    display: &mut D,
    inputs: &mut UnboundedReceiver<Input>,
    backend: Arc<dyn Backend>,
    mut settings: CockpitSettings,
    carried: &mut Carried,
) -> Result<Left, CockpitError> {
    let (sender, mut messages) = unbounded_channel();
    let on = carried.background.unwrap_or(settings.background);
    let goes_to = carried.goes_to.take();
    if goes_to.is_some()
        && let Some(view) = &mut settings.last_view
    {
        // Whoever comes for an environment comes to that one, and nothing lies over it.
        *view = LastView {
            looks: std::mem::take(&mut view.looks),
            ..LastView::default()
        };
    }
    let mut cockpit = Cockpit {
        theme: Theme::new(settings.theme, settings.accent, settings.ascii).on(on),
        carried,
        model: Model::new(settings, display.size()?),
        effects: Effects::new(backend, sender),
        display,
        drawn: None,
        pending: false,
        redrawn: None,
        writing: false,
        being_shown: None,
        asked_to_read: 0,
        ended: None,
    };
    if let Some(name) = goes_to {
        cockpit.model.fleet.select(&name);
    }
    cockpit.model.wrong_configuration = cockpit.carried.wrong_configuration.take();
    // What another context has left on the screen is not compared with.
    cockpit.display.forget();
    // The first frame comes before the first question to the backend.
    cockpit.draw()?;
    let effects = update::start(&mut cockpit.model);
    cockpit.start(effects)?;
    let mut next_look = cockpit.next_look();
    loop {
        let look = tokio::time::sleep_until(next_look.unwrap_or_else(Tick::now));
        let change = tokio::time::sleep(cockpit.until_time_shows());
        let calm = tokio::time::sleep_until(cockpit.drawn.map_or_else(Tick::now, |drawn| drawn + CALM));
        let mut urgent = false;
        tokio::select! {
            biased;
            input = inputs.recv() => {
                urgent = true;
                cockpit.take(Message::Input(input.unwrap_or(Input::Closed)))?;
            }
            Some(message) = messages.recv() => {
                urgent |= is_urgent(&message);
                cockpit.take(message)?;
            }
            () = change => {
                urgent = true;
                cockpit.take(Message::Time)?;
            }
            () = look, if next_look.is_some() => {
                // There is nothing to draw before something is found.
                cockpit.look_at_configuration();
                next_look = cockpit.next_look();
                continue;
            }
            () = calm, if cockpit.pending && !cockpit.writing => urgent = true,
        }
        // What has queued up meanwhile is taken in before the next draw, but not for ever.
        for _ in 0..AT_ONCE {
            if cockpit.ended.is_some() {
                break;
            }
            let message = match inputs.try_recv() {
                Ok(input) => Message::Input(input),
                Err(_) => match messages.try_recv() {
                    Ok(message) => message,
                    Err(_) => break,
                },
            };
            urgent |= is_urgent(&message);
            cockpit.take(message)?;
        }
        if let Some(end) = cockpit.ended.take() {
            (cockpit.model.settings.beyond.keep)(&LastView::of(&cockpit.model));
            cockpit.carried.wrong_configuration = cockpit.model.wrong_configuration.take();
            return match end {
                End::Quit => Ok(Left::Quit),
                End::Switch(name) => Ok(Left::For(name)),
                End::Ended(why) => Err(CockpitError::Ended(why)),
            };
        }
        if urgent || cockpit.drawn.is_none_or(|drawn| drawn.elapsed() >= CALM) {
            cockpit.draw()?;
        } else {
            cockpit.pending = true;
        }
    }
}

/// Whether a message is to be shown at once. Progress can wait for a quarter of a second.
fn is_urgent(message: &Message) -> bool {
    !matches!(message, Message::Event(Event::Job(job)) if !job.state.has_ended())
}

/// How the cockpit ends.
#[derive(Debug, Clone)]
enum End {
    Quit,
    Switch(String),
    Ended(Ended),
}

struct Cockpit<'a, D> {
    theme: Theme,
    carried: &'a mut Carried,
    model: Model,
    effects: Effects,
    display: &'a mut D,
    /// When the last frame was drawn.
    drawn: Option<Tick>,
    /// Whether the model has changed since.
    pending: bool,
    /// When a frame was last asked to be written whole.
    redrawn: Option<Tick>,
    /// Whether a frame is being written, or the terminal is not there.
    writing: bool,
    /// The number of what waits for an answer in it.
    being_shown: Option<u64>,
    /// The number of the last thing that somebody was given a moment to read.
    asked_to_read: u64,
    ended: Option<End>,
}

impl<D: Display> Cockpit<'_, D> {
    fn take(&mut self, mut message: Message) -> Result<(), CockpitError> {
        if self.model.settings.showing.mask {
            mask::told(&mut message);
        }
        match &message {
            Message::Input(Input::Shown) => {
                self.writing = false;
                let shown = self.being_shown.take();
                return self.on_screen(shown);
            }
            Message::Input(Input::Corner(size)) => {
                self.display.corner(*size);
                self.model.resize(self.display.size()?);
            }
            Message::Input(Input::Background(background)) => {
                self.carried.background = Some(*background);
                self.theme = self.theme.clone().on(*background);
            }
            Message::Input(Input::Resized) => self.model.resize(self.display.size()?),
            Message::Input(Input::Continued) => {
                self.writing = false;
                self.redrawn = None;
                self.display.resume()?;
                self.model.resize(self.display.size()?);
            }
            Message::Copied(_, bytes) if !bytes.is_empty() => self.display.write(bytes)?,
            _ => {}
        }
        let looks_new = matches!(message, Message::Reread(_));
        let effects = in_loop(|| {
            let now = (self.model.settings.clock)();
            update::update(&mut self.model, now, message)
        });
        if looks_new {
            let settings = &self.model.settings;
            let on = self.carried.background.unwrap_or(settings.background);
            self.theme = Theme::new(settings.theme, settings.accent, settings.ascii).on(on);
        }
        self.start(effects)
    }

    fn start(&mut self, effects: Vec<Effect>) -> Result<(), CockpitError> {
        for effect in effects {
            match effect {
                Effect::Redraw => self.redraw(),
                Effect::Suspend(stop) if self.display.can_stop() => self.display.suspend(stop)?,
                Effect::Suspend(_) => self.take(Message::CannotStop)?,
                Effect::Copy(what, text) => self.effects.copy(self.model.settings.clipboard, what, text),
                Effect::Save(name, text) => {
                    let save = Arc::clone(&self.model.settings.beyond.save);
                    self.effects.save(save, name, self.masked(text));
                }
                Effect::Reread => self
                    .effects
                    .reread(Arc::clone(&self.model.settings.beyond.reread)),
                Effect::Call(sentence) => {
                    let sentence = self.masked(sentence);
                    let settings = &self.model.settings;
                    self.display
                        .write(&settings.calling.bytes(settings.clipboard, &sentence))?;
                }
                Effect::Switch(name) => self.ended = Some(End::Switch(name)),
                Effect::SwitchTo(context, name) => {
                    self.carried.goes_to = Some(name);
                    self.ended = Some(End::Switch(context));
                }
                Effect::LookElsewhere(context) => {
                    if let Some(elsewhere) = &self.model.settings.elsewhere {
                        self.effects.look_elsewhere(Arc::clone(elsewhere), context);
                    }
                }
                Effect::Quit => self.ended = Some(End::Quit),
                Effect::End(why) => self.ended = Some(End::Ended(why)),
                other => self.effects.start(other),
            }
        }
        Ok(())
    }

    /// What leaves the screen, with hidden in it what is hidden there.
    fn masked(&self, text: String) -> String {
        if self.model.settings.showing.mask {
            mask::text(&text, &mask::names(&self.model))
        } else {
            text
        }
    }

    /// When the configuration is looked at next.
    fn next_look(&self) -> Option<Tick> {
        let every = self.model.settings.beyond.look_every;
        every.map(|every| Tick::now() + every)
    }

    fn look_at_configuration(&mut self) {
        let reread = Arc::clone(&self.model.settings.beyond.reread);
        self.effects.look_at_configuration(reread);
    }

    /// Has the next frame written whole, once a second at most: over a slow line whole screens would pile up.
    fn redraw(&mut self) {
        let now = Tick::now();
        if self.redrawn.is_none_or(|redrawn| now - redrawn >= WHOLE) {
            self.redrawn = Some(now);
            self.display.forget();
        }
    }

    /// Shows what there is to show. While the screen has not taken the last frame, this one is left out.
    fn draw(&mut self) -> Result<(), CockpitError> {
        let mut frame = in_loop(|| view::view(&self.model, &self.theme));
        if self.model.settings.showing.mask {
            mask::hide(&mut frame.buffer, &mask::names(&self.model));
        }
        let asks = view::shows_what_is_asked(&self.model).then(|| self.model.answering.number());
        self.pending = false;
        match self.display.show(frame)? {
            Shown::Already => self.on_screen(asks)?,
            Shown::UnderWay => {
                self.writing = true;
                self.being_shown = asks;
            }
            Shown::NotYet => {
                // What is told next is that there is room, or that the terminal is there again.
                self.writing = true;
                self.pending = true;
                return Ok(());
            }
        }
        self.drawn = Some(Tick::now());
        Ok(())
    }

    /// What waits for an answer is on the screen: in a moment it has been read.
    fn on_screen(&mut self, asks: Option<u64>) -> Result<(), CockpitError> {
        let Some(number) = asks.filter(|number| *number > self.asked_to_read) else {
            return Ok(());
        };
        self.asked_to_read = number;
        let shown_for = self.model.settings.care.shown_for;
        if shown_for.is_zero() {
            return self.take(Message::Read(number));
        }
        self.effects.start(Effect::After(shown_for, Timer::Read(number)));
        Ok(())
    }

    /// How long it is until an age or a countdown on the screen reads differently: they count whole minutes, but for
    /// the seconds to the next attempt at a lost connection.
    fn until_time_shows(&self) -> Duration {
        let counts_seconds = matches!(
            self.model.connection,
            Connection::Lost {
                next_try: Some(_),
                ..
            }
        );
        if counts_seconds && !self.model.locked {
            return Duration::from_secs(1);
        }
        let now = (self.model.settings.clock)();
        // Where opening takes long, that is said once.
        let wonders = self.model.opened + OPENING - now;
        if matches!(self.model.connection, Connection::Connecting)
            && let Ok(left) = wonders.to_std()
            && !left.is_zero()
        {
            return left;
        }
        let into_minute = u64::from(now.second()) * 1000 + u64::from(now.timestamp_subsec_millis()) % 1000;
        let minute = Duration::from_millis(60_000_u64.saturating_sub(into_minute).max(1));
        let lock = update::lock::left(&self.model).unwrap_or(minute);
        minute.min(lock.max(Duration::from_millis(1)))
    }
}
