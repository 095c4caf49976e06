"""Function words by language: words that are in every kind of text and say nothing of it.

They are the closed classes of a language (articles, pronouns, prepositions, conjunctions, auxiliaries) and the adverbs
and particles that go with any subject; what judges, such as "gut", "peor" or "mieux", is none. Of English the list is
scikit-learn's, and what else every kind of message has; Hindi stands in both of its scripts.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

_ENGLISH = (
    "does did doing done don didn doesn isn wasn aren won can cant just really also get got getting go going gonna "
    "wanna im ive dont doesnt didnt thats whats ok okay yes no please pls plz thanks thank thx hi hello hey rt amp "
    "ur http https"
)
_OTHERS = {
    "ar": (
        "في فى من على علي عن مع ما لا يا إلى الى الي أن ان إن هذا هذه ذلك تلك هو هي هم انا أنا انت أنت نحن كان كانت "
        "يكون تكون كل بعض بعد قبل بين حتى غير لو هل الذي التي الذين اللي لم لن ليس لكن ولكن ثم أو او إذا اذا إلا "
        "الا مثل عند عندما كما قد لقد به بها له لها لي لك لهم فيه فيها عليه عليها عنه عنها منه منها ولا وما ومن وهو "
        "وهي بس مش مو شي اي أي كيف متى أين اين لـ بـ ال فقط خلال ايضا أيضا"
    ),
    "de": (
        "der die das den dem des ein eine einen einem einer eines und oder aber denn weil dass daß wenn als wie ob "
        "um zu zum zur im in an am auf aus bei beim mit nach von vom vor für über unter durch bis ab seit während "
        "zwischen ich du er sie es wir ihr mich dich sich uns euch mir dir ihm ihn ihnen mein meine meinen meinem "
        "meiner dein deine deinen deinem deiner sein seine seinen seinem seiner ihre ihren ihrem ihrer unser unsere "
        "unseren euer eure dieser diese dieses diesen diesem jeder jede jedes man was wer wem wen wo wann warum "
        "wieso welche welcher ist sind bin bist seid war waren wäre wären habe hab hast hat haben hatte hatten "
        "hätte wird werde werden wurde würde worden kann kannst können könnte konnte muss müssen soll sollen sollte "
        "will wollen mag möchte darf auch noch schon nur so da dann hier dort doch ja mal eben halt also etwa sehr "
        "mehr wohl etwas alle alles andere jetzt heute gerade immer wieder ganz dafür davon damit dabei daran "
        "daraus ne nen na grad"
    ),
    "es": (
        "el la los las lo un una unos unas de del al en con por para sin sobre entre hasta desde hacia según tras "
        "ante y e o u ni que qué si sí como cómo cuando cuándo donde dónde porque pues aunque mientras yo tú tu él "
        "ella ello nosotros vosotros ellos ellas usted ustedes me te se nos os le les mi mis tus su sus nuestro "
        "nuestra nuestros nuestras mí ti conmigo contigo este esta esto estos estas ese esa eso esos esas aquel "
        "aquella quien quién cual cuál cuyo es son soy eres somos era eran fue fueron ser sido sea he has ha hemos "
        "han había haber hay estoy está estás están estaba estar tengo tiene tienes tener voy va vas vamos van ir "
        "puedo puede poder hace hacer da dar ya muy más mas menos tan tanto también así ahora hoy aquí ahí allí "
        "entonces solo sólo algo todo toda todos todas otro otra otros otras mismo misma cada uno dos vez cosa "
        "cosas"
    ),
    "fr": (
        "le la les un une des du de au aux en dans sur sous par pour avec sans chez vers entre contre depuis et ou "
        "mais donc or ni car que qu quoi qui dont où quand comme comment pourquoi si je tu il elle on nous vous ils "
        "elles me te se moi toi lui leur leurs eux mon ma mes ton ta tes son sa ses notre nos votre vos ce cet "
        "cette ces ça cela ceci celui celle ceux est sont suis es êtes sommes été être était étaient sera serait "
        "fut ai as avons avez ont avoir avait eu aura fait faire faut peut peux va vais vont aller ne pas plus très "
        "aussi bien encore déjà tout toute tous toutes même autre autres quel quelle quels quelles chaque ici là "
        "alors puis après avant peu moins y"
    ),
    "hi": (
        "hai hain ho hu hun hoon tha thi the th hota hoti hoga hua hui ka ki ke ko se ne mein mai main me par pe "
        "tak aur ya bhi hi to toh jo kya kyu kyun kaise kaisa kab kahan kaha kaun kuch koi ye yeh wo woh is us iss "
        "uss aap ap tum tu hum ham mujhe tujhe mera mere meri tera tere teri apna apne apni unka unke unki uska "
        "uske uski liye kar kr karo karna karne karte kiya gaya gya gayi raha rahe rahi rha ab abhi aaj sab ek na "
        "ji wala wale wali agar lekin sath baar diya ha aisa aise भी है हैं हो हूँ हूं था थी थे का की के को से ने "
        "में पर तक और या ही तो जो क्या क्यों कैसे कब कहाँ कौन कुछ कोई यह ये वह वो इस उस आप तुम तू हम मैं मुझे मेरा "
        "मेरे मेरी तेरा अपना अपने अपनी लिए कर करना किया गया रहा रहे रही अब सब एक एवं जी इसके उसके"
    ),
}
_ELIDED = {"fr": frozenset({"l", "d", "c", "n", "s", "j", "m", "t", "qu"})}


@lru_cache(maxsize=64)
def function_words(languages: Collection[str]) -> frozenset[str]:
    """Return the function words of English and of those of `languages`, BCP 47 tags, of which there is a list."""
    lists = [_OTHERS[language] for tag in languages if (language := tag.split("-")[0]) in _OTHERS]
    return frozenset(ENGLISH_STOP_WORDS).union(*map(str.split, (_ENGLISH, *lists)))


@lru_cache(maxsize=64)
def elided(languages: Collection[str]) -> frozenset[str]:
    """Return what stands before an apostrophe as a function word of its own: the "l" of "l'eau"."""
    return frozenset[str]().union(*(_ELIDED.get(tag.split("-")[0], ()) for tag in languages))
