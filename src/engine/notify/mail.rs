//! E-mail through a server that somebody has named.
//!
//! The client is `lettre`: who writes mail by hand gets the encoding of headers wrong, and lets a name write headers of its
//! own.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use lettre::address::{AddressError, Envelope};
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::response::Response;
use lettre::{Address, Message as Mail, SmtpTransport, Transport as _};

use super::quoted::quoted;
use super::reach::{Had, Ready, Refused};
use crate::certificates::Distrust;
use crate::domain::activity::Severity;
use crate::domain::notify::{self, MailTls, Parcel, ReceiverSettings};
use crate::domain::printable;

/// So much of what a server says is told.
const TOLD: usize = 500;
/// So many recipients that are refused are named.
const MOST_NAMED: usize = 5;

/// Sends it to all who do not have it. Where one of several recipients is refused nobody has it, and each is sent it alone.
pub(super) async fn send(to: &Ready, parcel: &Parcel, had: &Had) -> Result<String, Refused> {
    let mail = written(to, parcel)?;
    let (to, had) = (to.clone(), Arc::clone(had));
    let sending = tokio::task::spawn_blocking(move || {
        let (transport, server) = (transport(&to)?, server(&to.settings));
        let text = mail.formatted();
        let has_it = had.lock().clone();
        let mut open = mail.envelope().to().to_vec();
        open.retain(|address| !has_it.contains(&address.to_string()));
        let hand_over = |recipients: &[Address]| {
            let envelope = Envelope::new(mail.envelope().from().cloned(), recipients.to_vec())
                .map_err(|error| (Refused::now(format!("it names nobody: {error}")), false))?;
            let sent = transport.send_raw(&envelope, &text);
            sent.map(|answer| said(&to, &answer)).map_err(|error| {
                (
                    refused(&to, &error, &server, recipients),
                    is_about_recipient(&error),
                )
            })
        };
        if open.is_empty() {
            return Ok("all have it".to_owned());
        }
        let end = Instant::now() + to.settings.limit.duration();
        match hand_over(&open) {
            Err((_, true)) if open.len() > 1 => {}
            answer => return answer.map_err(|(refused, _)| with_others(refused, &has_it)),
        }
        let mut taken = String::new();
        let mut problems = Vec::new();
        for address in &open {
            // Nobody waits for it any more, and what came of it would be noted by nobody.
            if Instant::now() >= end {
                problems.push(Refused::unknown(format!(
                    "there was no time left for {address} and those behind"
                )));
                break;
            }
            match hand_over(std::slice::from_ref(address)) {
                Ok(said) => {
                    had.lock().push(address.to_string());
                    taken = said;
                }
                Err((refused, _)) => problems.push(refused),
            }
        }
        match together(&problems) {
            None => Ok(taken),
            Some(refused) => Err(with_others(refused, &had.lock())),
        }
    });
    sending.await.map_err(|_| Refused::lost())?
}

fn said(to: &Ready, answer: &Response) -> String {
    let said: Vec<_> = answer.message().collect();
    format!(
        "it answered {} {}",
        answer.code(),
        quoted(to, None, &said.join(" "), TOLD)
    )
}

/// What is said of several recipients, each of whom was sent the mail alone.
fn together(problems: &[Refused]) -> Option<Refused> {
    let whys: Vec<_> = problems.iter().map(|problem| problem.why.as_str()).collect();
    let (named, rest) = whys.split_at(whys.len().min(MOST_NAMED));
    let mut why = named.join("; ");
    if !rest.is_empty() {
        why = format!("{why}; and so on for {} more", rest.len());
    }
    (!problems.is_empty()).then(|| Refused {
        why,
        is_about_message: problems.iter().all(|problem| problem.is_about_message),
        may_have_it: problems.iter().any(|problem| problem.may_have_it),
    })
}

fn with_others(refused: Refused, had: &[String]) -> Refused {
    if had.is_empty() {
        return refused;
    }
    Refused {
        why: format!("{}; the other recipients have it", refused.why),
        ..refused
    }
}

/// Where the server is, for people: with the port where somebody has written one.
pub(super) fn server(settings: &ReceiverSettings) -> String {
    let server = settings.server.as_deref().unwrap_or_default();
    match settings.port {
        Some(port) => format!("{server}:{port}"),
        None => server.to_owned(),
    }
}

/// The mail. Subject and addresses are one line each, whatever was in a name.
fn written(to: &Ready, parcel: &Parcel) -> Result<Mail, Refused> {
    let settings = &to.settings;
    let mailbox = |text: &str| -> Result<Mailbox, Refused> {
        let parsed: Result<Mailbox, AddressError> = text.parse();
        parsed.map_err(|error| Refused::now(format!("\"{text}\" is no address of e-mail: {error}")))
    };
    let from = mailbox(settings.from.as_deref().unwrap_or_default())?;
    let domain = from.email.domain().to_owned();
    let subject = format!("[{}] {}", parcel.severity().label(), notify::subject(parcel));
    let mut mail = Mail::builder()
        .from(from)
        .date(SystemTime::from(parcel.sent))
        .message_id(Some(format!("<lifeboat-{}@{domain}>", parcel.id)))
        .subject(printable::line(&subject).into_owned())
        .header(ContentType::TEXT_PLAIN);
    for address in &settings.to {
        mail = mail.to(mailbox(address)?);
    }
    let mut text = notify::plain_text(parcel);
    text.push_str("\nSent by Lifeboat.\n");
    let mut mail = mail
        .body(text)
        .map_err(|error| Refused::now(format!("the mail could not be written: {error}")))?;
    // No mailbox that is away answers to what a machine has written.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail.headers_mut()
        .insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    if parcel.severity() == Severity::Critical {
        let importance = HeaderName::new_from_ascii_str("Importance");
        mail.headers_mut()
            .insert_raw(HeaderValue::new(importance, "high".to_owned()));
    }
    Ok(mail)
}

fn transport(to: &Ready) -> Result<SmtpTransport, Refused> {
    let settings = &to.settings;
    let server = settings.server.as_deref().unwrap_or_default();
    let how = settings.tls.unwrap_or_default();
    let tls = match how {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(encryption(to, server)?),
        MailTls::Tls => Tls::Wrapper(encryption(to, server)?),
    };
    let mut transport = SmtpTransport::builder_dangerous(server)
        .port(settings.port.unwrap_or_else(|| how.port()))
        .timeout(Some(settings.limit.duration()))
        .tls(tls);
    if let (Some(user), Some(password)) = (&settings.user, &to.password) {
        transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(transport.build())
}

/// How the server is believed: by the certificates of this machine, and those that were named.
fn encryption(to: &Ready, server: &str) -> Result<TlsParameters, Refused> {
    let unusable = |why: String| Refused::now(format!("its ca_file cannot be used: {why}"));
    let mut encryption = TlsParameters::builder(server.to_owned());
    if let Some(text) = &to.authorities {
        let authority = Certificate::from_pem(text).map_err(|error| unusable(error.to_string()))?;
        encryption = encryption.add_root_certificate(authority);
    }
    encryption
        .build_rustls()
        .map_err(|error| Refused::now(format!("the encryption cannot be prepared: {error}")))
}

/// Whether the server has refused this mail, and nothing more than that.
fn is_about_mail(error: &SmtpError) -> bool {
    // What a server says of an account is not about the mail.
    let about_account = ["530", "534", "535", "538"];
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| !about_account.contains(&code.as_str()))
}

/// Whether it may have refused one of several recipients, and take it for the others.
fn is_about_recipient(error: &SmtpError) -> bool {
    let about_one = ["450", "451", "452", "550", "551", "552", "553"];
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| about_one.contains(&code.as_str()))
}

fn refused(to: &Ready, error: &SmtpError, server: &str, recipients: &[Address]) -> Refused {
    let trust = "name the certificate of its issuer as ca_file of the receiver";
    if let Some(distrust) = Distrust::of(error, server, trust) {
        return Refused::now(distrust.to_string());
    }
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !why.contains(&inner.to_string()) {
            why = format!("{why}: {inner}");
        }
        cause = inner.source();
    }
    let is_about_mail = is_about_mail(error);
    let whose = match recipients {
        [one] if is_about_mail => format!(" for {one}"),
        _ => String::new(),
    };
    Refused {
        why: format!(
            "{server} did not take the mail{whose}: {}",
            quoted(to, None, &why, TOLD)
        ),
        is_about_message: error.is_permanent() && is_about_mail,
        // A server that answers with an error says that it has not taken it.
        may_have_it: error.status().is_none(),
    }
}
