"""What counts as "no more of this", and what does not."""

import pytest

from duecourse.case.opt_outs import left_by, read

WORDS = [
    # 47 CFR 64.1200(a)(10) and GSM practice
    "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPT OUT", "opt-out",
    "OPTOUT", "Stop it", "Remove me",
    # what Chinese carriers oblige senders to take
    "退订", "退訂", "TD", "td", "T", "R", "N", "拒收", "取消订阅", "回复TD", "回TD", "请退订", "回复T",
    "回复 R", "拒收短信",
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
        # By text message, about e-mails: nobody knows which of them is meant.
        ("Bitte keine weiteren E-Mails mehr", "all"),
        ("退订邮件", "all"),
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


# In a text message.
SAID = {
    "sms": [
        "I don't want any more messages", "I do not wish to receive messages",
        "I no longer wish to receive texts from you", "I don't want these texts anymore",
        "I don't want messages", "Don't send me anything", "Never text me again",
        "Do not text this number", "stop messaging me", "stop sending me these",
        "STOP SENDING THESE MESSAGES", "stop spam", "No more reminders",
        "please take me off your list", "Take me off your mailing list",
        "unsubscribe me from this list", "I opt out", "I want to opt out",
        "I'd like to unsubscribe", "Kindly stop texting", "You must stop texting me now",
        "Could you please stop texting me?", "can you stop sending me messages",
        "I want you to stop", "quit texting me", "stop this", "delete me", "no sms please",
        "stop immediately", "do not message me", "停", "停下来", "别发了", "不要再发了",
        "别再给我发消息了", "你们别发短信了", "请不要再发催收短信", "不想再收到短信",
        "我不想收到你们的任何信息", "不再接收短信", "拒绝接收", "取消短信", "請停止發送簡訊",
        "別再發短訊了", "能不能别发短信了？", "可以不要再给我发短信了吗", "把我从名单里删除",
        "打住", "arrêtez", "Arrêtez ça", "Arrêtez de m'envoyer des SMS", "Plus de SMS svp",
        "Je ne veux plus recevoir vos messages", "Ne m'écrivez plus", "Désabonnez-moi",
        "STOP SMS", "Ich möchte keine Nachrichten mehr erhalten",
        "Hören Sie auf mir zu schreiben", "Schreiben Sie mir nie wieder", "Aufhören!",
        "Keine SMS", "Streichen Sie mich aus Ihrer Liste", "Ich will keine Mahnungen mehr",
    ],
    "call": [
        "Stop all calls", "stop calling", "Stop calling me at work", "stop phoning me every day",
        "no more phone calls", "No calls please", "Don't call this number", "do not call",
        "Put me on your do not call list", "I don't want any more calls",
        "I don't want your calls", "I don't want to be called again", "Never call me again",
        "Could you stop calling my mother?", "in writing only", "only contact me by letter",
        "你们别打电话了", "别打我电话", "不要再打我手机", "别打了", "请你们不要再给我打电话",
        "別再打電話給我", "不要打电话到我公司", "别给我父母打电话了", "拒绝来电",
        "我不想再接到你们的电话", "不要给我家人打电话", "Rufen Sie mich nicht an",
        "Keine Anrufe mehr", "Hören Sie auf mich anzurufen",
        "Ich möchte nicht mehr angerufen werden", "Ne m'appelez plus", "Arrêtez de m'appeler",
        "Plus d'appels",
    ],
    "all": [
        "Cease and desist", "cease & desist", "Cease all contact", "CEASE", "remove my number",
        "Remove my number from your list", "delete my phone number", "lose my number",
        "Leave us alone", "go away", "stop contacting me", "Don't contact me again",
        "Stop harassing me", "stop bothering me", "no further contact", "No contact",
        "I don't want to hear from you again", "I revoke my consent",
        "I withdraw my consent to be contacted", "I do not want to be contacted", "别烦我",
        "别来烦我", "不要烦我了", "别骚扰我", "停止骚扰", "不要再联系我", "请勿打扰", "勿扰",
        "别联系我家人", "不要联系我", "別打擾我", "滚", "别找我了", "不要再跟我联系",
        "删除我的号码", "把我的手机号删掉", "能不能别烦我了", "Lassen Sie mich endlich in Ruhe",
        "Lass mich in Ruhe", "Löschen Sie meine Nummer", "Kontaktieren Sie mich nicht mehr",
        "Keine Kontaktaufnahme mehr", "Ich widerrufe meine Einwilligung",
        "Laissez-moi tranquille", "Foutez-moi la paix", "Ne me contactez plus",
        "Supprimez mon numéro", "stop emailing me", "No more letters",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "left"), [(text, left) for left in SAID for text in SAID[left]])
def test_what_people_say_who_want_no_more_is_heard(text: str, left: str) -> None:
    assert left_by(text, "sms") == left
    assert left_by(f"{text}!", "sms") == left
    assert left_by(text.upper(), "sms") == left


ABOUT_ELSE = [
    "please stop by tomorrow", "不要停止服务", "I can't stop thinking about paying",
    "I will stop smoking and pay", "Don't stop", "Don't stop texting me the balance", "bus stop",
    "the payments stop in May", "When do the reminders stop?", "stop the direct debit",
    "Stop the interest", "Cancel the standing order", "I want to cancel my card",
    "my contract ended", "I quit my job", "I lost my job", "I don't want to pay late",
    "I don't want any trouble", "I have no calls to make", "Call me", "please call me",
    "Do not call me a liar", "You can call me after six", "don't worry", "No messages for me?",
    "don't bother", "I never got a letter", "Send me a letter", "Please write to me",
    "I did not get your message", "remove the late fee", "Please remove the entry from my file",
    "my number has changed", "delete the duplicate payment",
    "I am out of work, leave it with me", "I do not consent to the new fee", "我想停止分期",
    "停车费多少", "停电了", "停薪留职", "别担心，我会还", "不要忘了给我打电话", "请给我打电话",
    "打电话给我", "请联系我", "没收到短信", "短信没收到", "别发错地址", "取消扣款",
    "把我的地址改一下", "我不想逾期", "不要起诉我", "别催了，我会还的", "我被骚扰了",
    "电话停机了", "不要停", "什么时候停止计息？", "删除我的逾期记录",
    "Bitte stoppen Sie die Lastschrift", "Ich höre morgen auf zu arbeiten",
    "Rufen Sie mich morgen an", "Ich möchte keine Raten", "Ich möchte nicht mehr zahlen",
    "Ich widerspreche der Forderung", "J'arrête de travailler en mai", "Appelez-moi demain",
    "Je ne veux plus payer", "Arrêtez les intérêts",
]  # fmt: skip


@pytest.mark.parametrize("text", ABOUT_ELSE)
def test_who_says_stop_of_anything_else_goes_on_hearing_from_us(text: str) -> None:
    for medium in ("sms", "email", "letter"):
        assert not any(read(text, medium)), "and a person reads it"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("STOP, I dispute this debt", "sms"),
        ("Stop I dispute this", "sms"),
        ("STOP\nI dispute this debt", "sms"),
        ("STOP. Wrong number.", "sms"),
        ("I dispute this debt. Stop texting me.", "sms"),
        ("please stop texting me but I will pay", "sms"),
        ("Hello, not mine\nSTOP", "sms"),
        ("STOP\nThanks\nI dispute this debt", "sms"),
        ("别再发短信了，我已经还了", "sms"),
        ("退订，这不是我的欠款", "sms"),
        ("Who is this? Stop calling me", "call"),
        ("stop texting me, stop calling me", "all"),
        ("Stop harassing me", "all"),
        ("Cease and desist", "all"),
        ("停止骚扰", "all"),
        ("Could you stop calling my mother?", "call"),
    ],
)
def test_what_says_more_than_to_stop_is_obeyed_and_read_by_a_person(text: str, left: str) -> None:
    assert read(text, "sms") == (left, False)


@pytest.mark.parametrize(
    "text", ["STOP", "退订", "please stop", "Arrêt", "T", "No more calls", "别烦我"]
)
def test_what_says_nothing_but_to_stop_waits_for_nobody(text: str) -> None:
    assert read(text, "sms").is_all


def test_an_opt_out_in_an_email_waits_for_a_person_where_there_is_more() -> None:
    assert read("STOP\n\nThanks\nJo Debtor", "email") == ("email", True)
    assert read("STOP\n\nThis debt is not mine.", "email") == ("email", False)
    assert read("Hello, my husband died.\n\nSTOP", "email") == ("email", False)
    assert read("Stop calling me", "email") == ("call", True)


@pytest.mark.parametrize(
    "text",
    [
        "I dispute this debt, it is not mine",
        "my husband died",
        "I am in hospital",
        "我要投诉你们骚扰",
        "",
        "ok",
    ],
)
def test_what_is_not_about_stopping_is_not_understood(text: str) -> None:
    assert read(text, "sms") == ("", False)


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
