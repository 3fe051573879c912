"""Names of locales, each in its own language and in English."""

from __future__ import annotations

__all__ = ["LOCALE_NAMES"]

# Code, own name, English name.
_NAMES = """
af_ZA|Afrikaans|Afrikaans
am_ET|አማርኛ|Amharic
ar_AR|العربية|Arabic
ar_EG|العربية (مصر)|Arabic (Egypt)
ar_SA|العربية (السعودية)|Arabic (Saudi Arabia)
az_AZ|Azərbaycanca|Azerbaijani
be_BY|Беларуская|Belarusian
bg_BG|Български|Bulgarian
bn_BD|বাংলা (বাংলাদেশ)|Bengali (Bangladesh)
bn_IN|বাংলা|Bengali
bs_BA|Bosanski|Bosnian
ca_ES|Català|Catalan
cs_CZ|Čeština|Czech
cy_GB|Cymraeg|Welsh
da_DK|Dansk|Danish
de_AT|Deutsch (Österreich)|German (Austria)
de_CH|Deutsch (Schweiz)|German (Switzerland)
de_DE|Deutsch|German
el_GR|Ελληνικά|Greek
en_AU|English (Australia)|English (Australia)
en_CA|English (Canada)|English (Canada)
en_GB|English (UK)|English (UK)
en_IN|English (India)|English (India)
en_US|English (US)|English (US)
eo_EO|Esperanto|Esperanto
es_AR|Español (Argentina)|Spanish (Argentina)
es_ES|Español (España)|Spanish (Spain)
es_LA|Español|Spanish
es_MX|Español (México)|Spanish (Mexico)
et_EE|Eesti|Estonian
eu_ES|Euskara|Basque
fa_IR|فارسی|Persian
fi_FI|Suomi|Finnish
fr_BE|Français (Belgique)|French (Belgium)
fr_CA|Français (Canada)|French (Canada)
fr_CH|Français (Suisse)|French (Switzerland)
fr_FR|Français|French
ga_IE|Gaeilge|Irish
gl_ES|Galego|Galician
gu_IN|ગુજરાતી|Gujarati
he_IL|עברית|Hebrew
hi_IN|हिन्दी|Hindi
hr_HR|Hrvatski|Croatian
hu_HU|Magyar|Hungarian
hy_AM|Հայերեն|Armenian
id_ID|Bahasa Indonesia|Indonesian
is_IS|Íslenska|Icelandic
it_CH|Italiano (Svizzera)|Italian (Switzerland)
it_IT|Italiano|Italian
ja_JP|日本語|Japanese
ka_GE|ქართული|Georgian
kk_KZ|Қазақша|Kazakh
km_KH|ខ្មែរ|Khmer
kn_IN|ಕನ್ನಡ|Kannada
ko_KR|한국어|Korean
lt_LT|Lietuvių|Lithuanian
lv_LV|Latviešu|Latvian
mk_MK|Македонски|Macedonian
ml_IN|മലയാളം|Malayalam
mn_MN|Монгол|Mongolian
mr_IN|मराठी|Marathi
ms_MY|Bahasa Melayu|Malay
nb_NO|Norsk (bokmål)|Norwegian (Bokmål)
ne_NP|नेपाली|Nepali
nl_BE|Nederlands (België)|Dutch (Belgium)
nl_NL|Nederlands|Dutch
nn_NO|Norsk (nynorsk)|Norwegian (Nynorsk)
pa_IN|ਪੰਜਾਬੀ|Punjabi
pl_PL|Polski|Polish
pt_BR|Português (Brasil)|Portuguese (Brazil)
pt_PT|Português (Portugal)|Portuguese (Portugal)
ro_RO|Română|Romanian
ru_RU|Русский|Russian
si_LK|සිංහල|Sinhala
sk_SK|Slovenčina|Slovak
sl_SI|Slovenščina|Slovenian
sq_AL|Shqip|Albanian
sr_RS|Српски|Serbian
sv_FI|Svenska (Finland)|Swedish (Finland)
sv_SE|Svenska|Swedish
sw_KE|Kiswahili|Swahili
ta_IN|தமிழ்|Tamil
te_IN|తెలుగు|Telugu
th_TH|ภาษาไทย|Thai
tl_PH|Filipino|Filipino
tr_TR|Türkçe|Turkish
uk_UA|Українська|Ukrainian
ur_PK|اردو|Urdu
uz_UZ|Oʻzbekcha|Uzbek
vi_VN|Tiếng Việt|Vietnamese
zh_CN|中文(简体)|Chinese (Simplified)
zh_HK|中文(香港)|Chinese (Hong Kong)
zh_TW|中文(繁體)|Chinese (Traditional)
zu_ZA|isiZulu|Zulu
"""

LOCALE_NAMES: dict[str, dict[str, str]] = {
    code: {"name_en": english, "name": own}
    for code, own, english in (line.split("|") for line in _NAMES.strip().split("\n"))
}
"""By code: ``name`` is what speakers call their language, ``name_en`` its English name."""
