"""What counts as "no more of this", and what does not."""

import pytest

from duecourse.case.opt_outs import left_by

WORDS = [
    # 47 CFR 64.1200(a)(10) and GSM practice
    "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPT OUT", "opt-out",
    "OPTOUT", "Stop it", "Remove me",
    # what Chinese carriers oblige senders to take
    "退订", "退訂", "TD", "td", "T", "R", "N", "拒收", "取消订阅", "回复TD", "回TD", "请退订", "回复T",
    "回复 R", "拒收短信", "退订邮件",
    # de, fr, es, it, nl, pt
    "ABMELDEN", "STOPP", "Abbestellen", "Abmeldung", "ARRET", "Arrêt", "Désabonner", "BAJA", "Alto",
    "PARAR", "Cancellami", "Afmelden", "SAIR",
]  # fmt: skip
DRESSES = [
    "{}", " {} ", "{}.", "{}!", "{}。", "{}！", '"{}"', "'{}'", "“{}”", "„{}“", "«{}»", "「{}」", "({})",
    "*{}*", "{}\n", "\r\n{}\r\n", "\ufeff{}", "{}\u200b", "{} 🛑", "- {} -", "{}...",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_heard_in_any_dress(word: str) -> None:
    wide = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in word)
    for case in (word, word.lower(), word.upper(), wide):
        for dress in DRESSES:
            assert left_by(dress.format(case), "sms") == "sms", dress.format(case)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Please stop", "sms"),
        ("STOP please", "sms"),
        ("Bitte abmelden, danke!", "sms"),
        ("请退订，谢谢", "sms"),
        ("Hi, please unsubscribe me. Thanks", "sms"),
        ("Bitte keine SMS mehr!", "sms"),
        ("Keine weiteren Nachrichten senden", "sms"),
        ("No more texts", "sms"),
        ("STOP STOP", "sms"),
        ("STOP SMS", "sms"),
        ("STOP TEXTS", "sms"),
        ("STOP MESSAGES", "sms"),
        ("Stop sending me messages", "sms"),
        ("UNSUB", "sms"),
        ("unsubscribe all", "sms"),
        ("remove me from your list", "sms"),
        ("Bitte keine weiteren E-Mails mehr", "sms"),
        ("退订退订", "sms"),
        ("我要退订", "sms"),
        ("TD退订", "sms"),
        ("不要给我发短信", "sms"),
        ("请停止给我发短信", "sms"),
        ("Please don’t text me again", "sms"),
        ("不要再给我打电话了", "call"),
        ("请不要再打电话给我", "call"),
        ("Bitte nicht mehr anrufen", "call"),
        ("Rufen Sie mich nicht mehr an!", "call"),
        ("No more calls", "call"),
        ("Lassen Sie mich in Ruhe", "all"),
        ("Bitte nicht mehr kontaktieren.", "all"),
    ],
)
def test_whole_sentences_say_what_they_leave(text: str, left: str) -> None:
    assert left_by(text, "sms") == left


NO_OPT_OUT = [
    "I will stop by the branch tomorrow",
    "Stop\nby the branch tomorrow",
    "stop?",
    "STOP？",
    "don't stop",
    "nonstop",
    "This has to end",
    "When does it end?",
    "I can't cancel my card",
    "Cancel my direct debit, I will pay by card",
    "取消扣款",
    "我想退订彩铃怎么办",
    "不退订",
    "不要给我发短信验证码",
    "Cancel\n\nmy appointment on Friday",
    "Hello,\n\nCancel\n\nmy appointment on Friday",
    "Hi\n\nI will stop by on Friday",
    "Thanks\nI paid",
    "Danke\nstop?",
    "没有收到退订短信",
    "停止扣款了吗？",
    "T恤多少钱",
    "TODAY",
    "TDK",
    "No",
    "RN",
    "Y",
    "ok",
    "Ich melde mich morgen",
    "Abmeldung vom Wohnsitz liegt bei",
    "Können Sie mich anrufen?",
    "Bitte rufen Sie mich an",
    "bajo",
    "Arretez de m'aider? non, merci beaucoup",
    "please",
    "thanks",
    "",
    "  \n ",
    "?",
    "。",
    "🛑",
]


@pytest.mark.parametrize("text", NO_OPT_OUT)
def test_other_words_are_none(text: str) -> None:
    assert left_by(text, "sms") == ""
    assert left_by(text, "email") == ""


FOOTER = "To opt out of these e-mails, answer STOP.\nSTOP\n退订请回复TD\nTD"
ORIGINAL = "Dear debtor, 600.00 was due on 27 February.\n\n" + FOOTER
QUOTED = "\n".join(f"> {line}" for line in ORIGINAL.split("\n"))
ATTRIBUTIONS = [
    "On Mon, 2 Mar 2026 at 12:00, Fictional Bank <desk@bank.example> wrote:",
    "On Mon, 2 Mar 2026 at 12:00, Fictional Bank\n<desk+0123456789@bank.example> wrote:",
    "Am 02.03.2026 um 12:00 schrieb Fictional Bank <desk@bank.example>:",
    "Am Mo., 2. März 2026 um 12:00 Uhr schrieb Fictional Bank\n<desk@bank.example>:",
    "Le lun. 2 mars 2026 à 12:00, Fictional Bank <desk@bank.example> a écrit :",
    "El lun, 2 mar 2026 a las 12:00, Fictional Bank escribió:",
    "Fictional Bank <desk@bank.example> 于2026年3月2日周一 12:00写道：",
    "在 2026年3月2日，Fictional Bank <desk@bank.example> 写道：",
]
HEADS = [
    "-----Original Message-----",
    "----- 原始邮件 -----",
    "________________________________",
    "From: Fictional Bank <desk@bank.example>",
    "Von: Fictional Bank",
    "发件人: Fictional Bank <desk@bank.example>",
]
SIGNATURES = ["", "-- \nFictional Debtor", "Sent from my phone", "Von meinem Telefon gesendet"]


def mails(words: str) -> list[str]:
    """An answer as mail programs make it, with what was answered to below or above it."""
    below = [f"{each}\n{QUOTED}" for each in ATTRIBUTIONS]
    below += [f"{each}\n\n{ORIGINAL}" for each in (*HEADS, *ATTRIBUTIONS)]
    made = [
        f"{words}\n\n{signature}\n\n{original}" for signature in SIGNATURES for original in below
    ]
    made += [f"{each}\n{QUOTED}\n\n{words}\n" for each in ATTRIBUTIONS]
    return [*made, *(each.replace("\n", "\r\n") for each in made), f"{words}\n{QUOTED}"]


@pytest.mark.parametrize("words", ["STOP", "Unsubscribe", "退订", "Abmelden", "Please stop."])
def test_a_stop_above_or_below_a_quoted_original_is_heard(words: str) -> None:
    for mail in mails(words):
        assert left_by(mail, "email") == "email", mail


@pytest.mark.parametrize(
    "words",
    [
        "I will pay on Friday.",
        "Can we stop this? Call me.",
        "T,",
        "R:\n\nthanks",
        "",
        "END of month",
    ],
)
def test_what_is_quoted_and_our_own_footer_say_nothing(words: str) -> None:
    for mail in mails(words):
        assert left_by(mail, "email") == "", mail


def test_the_first_paragraph_of_an_email_is_heard_above_a_name() -> None:
    assert left_by("STOP\n\nMit freundlichen Grüßen\nFictional Debtor", "email") == "email"
    assert left_by("Stop\n\nsending letters to my old flat, the new one is", "sms") == ""
    assert left_by("T\n\nthe letter came", "email") == ""


@pytest.mark.parametrize(
    "mail",
    [
        "Guten Tag\n\nAbmelden",
        "Sehr geehrte Damen und Herren,\n\nbitte keine E-Mails mehr.",
        "Sehr geehrter Herr Dr. Muster,\n\nABMELDEN\n\nMit freundlichen Grüßen\nJo",
        "STOP\nBest regards\nJo",
        "Dear Sir or Madam,\n\nPlease stop.\n\nYours sincerely\nJo",
        "您好：\n\n退订\n谢谢",
        "尊敬的客服，\n退订\n此致\n敬礼",
        "Bonjour,\n\nDésabonner\nCordialement\nJo",
        "Hola,\nBaja\nSaludos,\nJo",
        "Buongiorno,\n\nCancellami\nCordiali saluti\nJo",
        "Geachte heer,\nAfmelden\nMet vriendelijke groet,\nJo",
        "Olá,\nSair\nObrigado\nJo",
        "Cancel\n\nBest regards\nJo",
        "Cancel\n\njo debtor",
    ],
)
def test_how_one_greets_and_takes_leave_is_no_part_of_it(mail: str) -> None:
    assert left_by(mail, "email") == "email"
    assert left_by(mail.replace("\n", "\r\n"), "email") == "email"


@pytest.mark.parametrize("signature", [each for each in SIGNATURES if each])
def test_what_a_program_signs_with_is_no_part_of_the_message(signature: str) -> None:
    assert left_by(f"STOP\n{signature}", "sms") == "sms"
    assert left_by(f"STOP\n{signature}", "email") == "email"


def test_a_very_long_answer_is_read_quickly() -> None:
    for piece in ("On ", "> ", "----", "a写道", "stop ", "\n", "On a\n"):
        assert left_by(piece * 2000, "email") == ""
