"""The wishes to hear no more, as data: patterns of words, by what each of them ends.

Written as `opt_outs` reads: small letters without accents, blanks and punctuation, ß as ss.
"""

from typing import Final

LETTERS: Final = "t|r|n"
"""As a whole text message only; in an e-mail a single letter is a slip, or how a greeting begins."""

# 47 CFR 64.1200(a)(10), GSM practice, and what Chinese carriers oblige senders to take.
KEYWORDS: Final = (
    "stop|stopall|stopit|stopthis|stopnow|unsub|unsubscribe(me|us|all)?|optout|optmeout|td",
    "(请|請|回复|回覆|回|发送|发|發|我要|我想)?(td|退订|退訂|拒收|取消订阅|取消訂閱)(短信|簡訊|信息|消息|邮件|郵件)?",
    "停(下来?|下來)?|快停|打住|住手",
    # de, fr, es, it, nl, pt
    (
        "stopp|stoppen|abmelden|abmeldung|abbestellen|austragen|aufhoren|hort?auf|horensieauf|arret|arreter|"
        "arretez|desabonner|desinscription|cancellami|disiscrivimi|afmelden|uitschrijven"
    ),
)

# They end a channel as a whole message only: as a part of one they may be about anything.
WEAK_KEYWORDS: Final = (
    "cancel|end|quit|revoke",
    "(请|請|回复|回覆|回|发送|发|發|我要)?(取消|停止|停止发送|停止發送)(短信|簡訊|信息|消息|邮件|郵件)?",
    "baja|alto|parar|cancelar|sair",
)

# --- English -----------------------------------------------------------------------------------

_NO: Final = "(donot|dont|never|nolonger|stop|quit|cease)(ever|you)?"
_KIN: Final = (
    "my(mother|mum|mom|father|dad|wife|husband|parents|family|friends?|employer|boss|work|"
    "office|neighbou?rs?|son|daughter|kids|children|job|workplace|house|home|colleagues)"
)
_ME: Final = (
    "(to)?(me|us|(my|this|that)(mobile|cell|phone|line|inbox|email(address)?|address|"
    f"(phone|mobile|cell|cellphone|telephone)?number)|{_KIN})"
)
_AT: Final = "((at|on|to|in)(my|this|that)?(work|workplace|office|job|home|house|phone|mobile|cell|number|address|email))"
_AGAIN: Final = "(again|anymore|anylonger|everagain|atall|allthetime|everyday)"
_MESSAGES: Final = (
    "(texts?|textmessages?|messages?|msgs?|sms|emails?|mails?|letters?|reminders?|spam|"
    "notifications?)"
)
_ALL_YOUR: Final = "(all|any|more|further|future|of|these|those|your|such){0,4}"
_FROM_YOU: Final = "(from(you|thisnumber|your(company|bank|office|team)|youpeople|youguys|youlot))"
_DONT_WANT: Final = (
    "(i|we)?(donot|dont|nolonger|donotwantor)(want|wish|wanna)(to)?(get|receive|have|see|read)?"
)
_LISTS: Final = "(mailing|contact|calling|call|sms|text|marketing|distribution|email)?(lists?|database|system|records)"

_SENDING_EN: Final = (
    f"{_NO}(text(ing)?|messag(e|ing)|msg|email(ing)?|mail(ing)?|writ(e|ing)|sms){_ME}?{_AT}?{_AGAIN}?",
    f"(donot|dont|never|stop|quit|cease)send(ing)?(me|us)?{_ALL_YOUR}({_MESSAGES}|anything|stuff)?(to)?(me|us)?{_AGAIN}?",
    f"stopsending(me|us)?(it|this|the|these|them|such)?({_MESSAGES})?(to(me|us))?",
    f"(nomore|nofurther|stop|cease){_ALL_YOUR}(the)?{_MESSAGES}{_FROM_YOU}?{_AGAIN}?",
    "no(sms|texts|textmessages|emails|spam)",
    f"{_DONT_WANT}{_ALL_YOUR}{_MESSAGES}{_FROM_YOU}?{_AGAIN}?",
    f"{_DONT_WANT}be(texted|messaged|emailed|writtento){_AGAIN}?",
    f"(unsubscribe|remove|delete|take)(me|us|my(email|emailaddress))(off|from|outof)(all)?(of)?(your|the|this)?{_LISTS}",
    "(remove|delete|unsubscribe)(me|us)|takemeoff",
    f"(i|we)?(want|wish|wouldlike|choose|id?like)?(to)?(optout|unsubscribe)((from|of){_ALL_YOUR}(this)?({_MESSAGES}|service|{_LISTS})?)?",
)
_CALLING_EN: Final = (
    f"{_NO}(call(ing)?|phon(e|ing)|ring(ing)?|telephon(e|ing)){_ME}?{_AT}?{_AGAIN}?",
    (
        f"(nomore|nofurther|no|stop|cease|quit){_ALL_YOUR}(the)?(phone|voice|telephone|robo|cold|automated)?calls"
        f"({_ME}|{_AT})?{_FROM_YOU}?{_AGAIN}?"
    ),
    f"stop(the|your|with)*(phone|telephone)?calling{_ME}?",
    f"{_DONT_WANT}{_ALL_YOUR}(phone|telephone)?calls{_FROM_YOU}?{_AGAIN}?",
    f"{_DONT_WANT}be(called|phoned|rung){_AGAIN}?",
    "(put|place|add)(me|(my|this)number)?(on|to)(the|your)?(donotcall|dnc)(list|register|registry)?",
    "(donotcall|dnc)(list)?",
    "(only|just)?(contact|reach|writeto|write)(me|us)(only)?(by|via|in)(email|letter|writing|post|mail|text|sms)(only)?",
    "(by|in|via)?(email|text|sms|letter|writing|post)only|(only|just)(text|email)(me|us)?",
)
_ANYTHING_EN: Final = (
    (
        f"{_NO}(contact(ing)?|harass(ing)?|disturb(ing)?|pester(ing)?|spam(ming)?|hound(ing)?|hassl(e|ing)|"
        f"stalk(ing)?|communicat(e|ing)with){_ME}?{_AT}?{_AGAIN}?"
    ),
    f"{_NO}(bother(ing)?|annoy(ing)?){_ME}{_AGAIN}?",
    (
        "(no|nomore|nofurther|cease|stop)(all|any|further|the|this|your){0,2}(contact|communications?|correspondence|harassment)"
        f"(with(me|us))?{_FROM_YOU}?{_AGAIN}?"
    ),
    f"(stop|nomore|no|cease){_ALL_YOUR}((phone)?calls(and|or|nor){_MESSAGES}|{_MESSAGES}(and|or|nor)(phone)?calls)",
    f"{_NO}(call(ing)?(and|or)text(ing)?|text(ing)?(and|or)call(ing)?|(texting|calling)(me)?and(stop)?(texting|calling)){_ME}?{_AGAIN}?",
    "cease|desist|cease(and|n)?d?esist",
    "leave(me|us)(alone|be|inpeace)|letmebe|goaway|getlost|(piss|fuck|bugger|buzz)off",
    f"{_DONT_WANT}(any)?(more)?(contact(with(you|me))?|hearfromyou|anything(more)?fromyou){_AGAIN}?",
    f"{_DONT_WANT}be(contacted|bothered|harassed|disturbed){_AGAIN}?",
    f"(remove|delete|erase|lose|forget|take)(my|this)(phone|mobile|cell|telephone)?number((off|from)(all)?(your|the){_LISTS})?",
    "(i|we)?(hereby)?(revoke|withdraw)(my|our|all|any)?(consent|permission)(to(be)?(contacted|call(ed)?|text(ed)?|messaged?))?",
)

# --- Chinese, in both scripts ------------------------------------------------------------------

_NO_ZH: Final = "(不要|不准|不许|不許|别|別|勿|莫|禁止|停止)(再|继续|繼續|老|总|總|一直|天天|每天)?(给我|給我|向我|跟我|对我)?"
_OF_YOURS_ZH: Final = (
    "(你们|你們|您|你|贵司|貴司|的|任何|这种|這種|这些|這些|此类|催收|催款|发|發|来){0,4}"
)
_MESSAGES_ZH: Final = "(短信|短訊|簡訊|信息|訊息|消息|微信|邮件|郵件|信|垃圾短信|通知|提醒)"
_PHONE_ZH: Final = "(电话|電話|手机|手機|号码|號碼)"
_MINE_ZH: Final = "(我|我的|我这个|我這個|这个|這個)"
_KIN_ZH: Final = (
    "(我|我的)?(公司|单位|單位|家里?|家裡|家人|父母|爸妈|爸媽|妈妈|爸爸|老婆|老公|妻子|丈夫|同事|"
    "朋友|领导|領導|亲戚|親戚|通讯录)"
)
_LE: Final = "(了|啦)?"
_WANT_NO_ZH: Final = "(我)?(不想|不愿|不願|不要|不希望|不需要|不再|拒绝|拒絕)(再|继续|繼續)?"
_NUMBER_ZH: Final = "(手机号码?|手機號碼?|电话号码|電話號碼|号码|號碼|手机|电话|電話|联系方式)"
_DELETE_ZH: Final = "(删除|刪除|删掉|刪掉|删了|刪了|移除|去掉)"

_SENDING_ZH: Final = (
    f"{_NO_ZH}(发送?|發送?|传|傳|推送|寄)(给我|給我|来|來)?{_OF_YOURS_ZH}{_MESSAGES_ZH}?(给我|給我)?{_LE}",
    f"{_WANT_NO_ZH}(收到|接收|接受|收|看到){_OF_YOURS_ZH}{_MESSAGES_ZH}{_LE}",
    f"(不要|不需要|拒绝|拒絕|不想要)(再)?{_OF_YOURS_ZH}(短信|短訊|簡訊|邮件|郵件){_LE}|(拒绝|拒絕)接收",
    f"(取消|关闭|關閉){_MESSAGES_ZH}(订阅|推送|通知|提醒)?",
    f"把我从(你们的?)?(名单|列表)(里|中)?{_DELETE_ZH}",
)
_CALLING_ZH: Final = (
    f"{_NO_ZH}(打|拨打|撥打)(给)?{_MINE_ZH}?{_PHONE_ZH}?(给我|給我|我|过来|來|来)?(骚扰|騷擾)?(我)?{_LE}",
    f"{_NO_ZH}(打|拨打|撥打){_PHONE_ZH}?(到|给|給|去){_KIN_ZH}({_PHONE_ZH})?{_LE}",
    f"{_NO_ZH}(打|拨打|撥打){_KIN_ZH}(的)?{_PHONE_ZH}{_LE}",
    f"{_NO_ZH}(给|給|向){_KIN_ZH}(打|拨打|撥打){_PHONE_ZH}?{_LE}",
    f"{_NO_ZH}(来电|來電|致电|致電)(话|話)?(给我|我)?{_LE}|(拒绝|拒絕)(来电|來電|电话|電話)",
    f"{_WANT_NO_ZH}(接到|接听|接聽|接|收到){_OF_YOURS_ZH}(电话|電話|来电|來電){_LE}",
)
_ANYTHING_ZH: Final = (
    f"{_NO_ZH}(来|來)?(联系|聯繫|聯絡|联络|骚扰|騷擾|打扰|打擾|打搅|纠缠|烦|煩)({_KIN_ZH}|我们|我們|我)?{_LE}",
    f"{_NO_ZH}(来|來)?(找|烦|煩)(我|我们|我們|{_KIN_ZH}){_LE}",
    f"{_NO_ZH}(跟|和|与|與)我(联系|聯繫|聯絡){_LE}",
    "勿扰|勿擾|免打扰|免打擾|滚(开|蛋|远点)?|滾(開|蛋)?|离我远点",
    f"{_WANT_NO_ZH}(被)?(联系|聯繫|骚扰|騷擾|打扰|打擾)(我)?{_LE}",
    f"{_DELETE_ZH}(掉)?(我|我的){_NUMBER_ZH}",
    f"把(我|我的){_NUMBER_ZH}(从(你们的?)?(系统|名单|列表)(里|中)?)?{_DELETE_ZH}(掉|了)?",
)

# --- German ------------------------------------------------------------------------------------

_MESSAGES_DE: Final = "(sms|emails?|mails?|nachrichten|briefe|erinnerungen|mahnungen)"
_YOU_DE: Final = "(sie|ihr)?"
_WANT_DE: Final = "(ich)?(mochte|will|wunsche)(absofort|abjetzt)?(vonihnen|voneuch)?"
_SENDING_DE: Final = (
    f"keine(weiteren)?{_MESSAGES_DE}(mehr)?(senden|schicken)?",
    f"(senden|schicken|schreiben){_YOU_DE}(mir|uns)(bitte)?(keine(weiteren)?{_MESSAGES_DE}(mehr)?|(nicht|nie)(mehr|wieder)|nichtsmehr)",
    f"{_WANT_DE}keine(weiteren)?{_MESSAGES_DE}(mehr)?(vonihnen|voneuch)?(mehr)?(erhalten|bekommen|haben)?",
    "nichtmehr(schreiben|anschreiben)",
    f"(horen|hort|hor){_YOU_DE}auf(mir|uns)(zuschreiben|{_MESSAGES_DE}zu(schicken|senden|schreiben))",
    "(schluss|aufhoren)(damit|jetzt)",
    "(loschen|entfernen|streichen|nehmen)siemich(bitte)?(aus|von)(ihrem|ihrer|dem|der)(verteiler|liste)(heraus|raus)?",
)
_CALLING_DE: Final = (
    "(mich)?nicht(mehr|wieder)anrufen|keine(weiteren)?(telefon)?anrufe(mehr)?",
    f"ruf(en|t)?{_YOU_DE}(mich|uns|hier)(bitte)?(nicht|nie)(mehr|wieder)?an",
    f"{_WANT_DE}(keine(weiteren)?anrufe(mehr)?|nichtmehrangerufenwerden)",
    f"(horen|hort|hor){_YOU_DE}auf(mich|uns)(standig)?anzurufen",
)
_ANYTHING_DE: Final = (
    "(mich)?nicht(mehr|wieder)kontaktieren|keinkontaktmehr|keinekontaktaufnahme(mehr)?",
    f"kontaktier(en|t)?{_YOU_DE}(mich|uns)(bitte)?(nicht|nie)(mehr|wieder)",
    f"lass(en|t)?{_YOU_DE}(mich|uns)(bitte|endlich|einfach){{0,2}}inruhe",
    f"{_WANT_DE}nichtmehr(kontaktiert|belastigt|angeschrieben)werden",
    "unterlassensie(jede|jeden|jegliche)?(weiteren?)?(kontakt|kontaktaufnahme|kontaktversuche)",
    f"(loschen|streichen|entfernen){_YOU_DE}(bitte)?meine(telefon|handy|mobil)?nummer|meine(telefon|handy)?nummerloschen",
    "(hiermit)?widerrufe?ich(hiermit)?meineeinwilligung|ichwiderrufe(hiermit)?meineeinwilligung",
)

# --- French ------------------------------------------------------------------------------------

_MESSAGES_FR: Final = (
    "(sms|messages?|textos?|mails?|emails?|courriels?|courriers?|lettres?|rappels)"
)
_SOME_FR: Final = "(de|des|vos|ces|aucun|tous)?"
_NO_MORE_FR: Final = "(je)?(ne)?(veux|souhaite)plus"
_SENDING_FR: Final = (
    "arretez?(ca|cela|tout)|stop(sms|pub)",
    f"(arretez?|cessez?)(de|d)?(me|m|nous)?(envoyer|ecrire|texter){_SOME_FR}{_MESSAGES_FR}?",
    f"(arretez|cessez){_SOME_FR}{_MESSAGES_FR}|plus(de|aucun){_MESSAGES_FR}",
    f"{_NO_MORE_FR}(recevoir)?{_SOME_FR}{_MESSAGES_FR}(devotrepart)?",
    f"(ne)?(me|m)(envoyez|ecrivez|envoie|ecris)plus(rien|{_SOME_FR}{_MESSAGES_FR})?",
    "desabonnez(moi|nous)|desinscrivez(moi|nous)|jemedesabonne|(je)?veuxmedesabonner",
)
_CALLING_FR: Final = (
    "(ne)?(m|me|nous)(appelez|appelle|telephonez)plus(jamais)?|plus(d|aucun)appels?",
    "(arretez?|cessez?)(de|d)?(me|m|nous)(appeler|telephoner)",
    f"{_NO_MORE_FR}(recevoir)?(d|vos|de|aucun)?(appels?|etreappelee?)",
)
_ANYTHING_FR: Final = (
    "(laissez|laisse)(moi|nous)(tranquilles?|enpaix)|(fichez|foutez)(moi|nous)lapaix",
    "(ne)?(me|nous)contactezplus(jamais)?|plus(de|aucun)contact",
    "(arretez?|cessez?)(de|d)?(me|m|nous)(contacter|harceler|deranger|embeter)",
    f"{_NO_MORE_FR}(etre(contactee?|derangee?|harcelee?)|decontact|entendreparlerdevous)",
    "(supprimez|effacez|retirez|enlevez)monnumero(de(vos|votre)(fichiers?|listes?))?",
)

# --- what each of them ends --------------------------------------------------------------------

SENDING: Final = (*_SENDING_EN, *_SENDING_ZH, *_SENDING_DE, *_SENDING_FR)
"""The channel that they came by."""

CALLING: Final = (*_CALLING_EN, *_CALLING_ZH, *_CALLING_DE, *_CALLING_FR)
"""Calls, whichever channel they came by."""

ANYTHING: Final = (*_ANYTHING_EN, *_ANYTHING_ZH, *_ANYTHING_DE, *_ANYTHING_FR)
"""Every channel."""

BEFORE: Final = (
    "(please|plz|pls|kindly|bitte|请|請|麻烦|麻煩|拜托|hi|hello|hey|ok|你好|您好|你们|你們|贵司|貴司|你|您|"
    "以后|以後|今后|我要求|我希望|svp|silvousplait|merci(de)?|(i|we)(want|need|ask|demand|wouldlike)(that)?youto|"
    "you(must|needto|haveto|should)|just|now){0,3}"
)
AFTER: Final = (
    "(please|plz|pls|thanks|thankyou|now|rightnow|immediately|atonce|asap|"
    "bitte|danke|sofort|jetzt|谢谢|謝謝|吧|啊|svp|silvousplait|merci|maintenant){0,2}"
)
ASKED: Final = (
    "(can|could|would|will)you(please|just|kindly)?|(能不能|可不可以|可否|能否|可以|能)(请|請)?(你们|你們|您|你)?|"
    "(konnen|konnten|wurden)siebitte|pouvezvous"
)
"""How a wish is put as a question; only then a question mark may follow."""

MEDIA: Final = {
    "sms": "sms|texts?|texting|短信|短訊|簡訊|textos?",
    "email": "emails?|emailing|mail(?!ing)s?|邮件|郵件|courriels?",
    "letter": "letters?|briefe|寄信|lettres?|courriers?",
}
"""How a wish names a channel; when it is another one than it came by, nobody knows which is meant."""

MORE_THAN_A_WISH: Final = (
    f"harass|stalk|hound|骚扰|騷擾|纠缠|cease|desist|harcel|belastig|einwilligung|consent|permission|"
    f"only|just(text|email)|inwriting|{_KIN}|{_KIN_ZH}"
)
"""Obeyed like the others, and read by a person all the same: a complaint, or a term to be kept."""
